"""Do the readers of keci-extract and keci-train survive inputs that nobody would write?

``python -m benchmarks.fuzz_readers --inputs 1000000 --seed 1``

Every input is a function of the seed and its number: small files of each format, their bytes
changed at random, packed before or after that. They are read in processes of their own, each with
a limit of memory; one that dies, or takes longer than ``--seconds`` over an input, is replaced and
the input counted. ``--only N`` reads one input here, to look at it. POSIX only.
"""

import argparse
import json
import logging
import mmap
import os
import resource
import signal
import struct
import sys
import time
import traceback
from collections import Counter
from dataclasses import asdict, dataclass, field

from keci.cli.options import errors_told
from tests.keci.corpus.hostile import MENDING, OPTIONS, hostile_input, read_hostile

COUNTS = ("documents", "failures", "deletions", "refused")
STATE = struct.Struct(f"{1 + len(COUNTS)}q")
CRASHED, OUT_OF_MEMORY = 3, 4
PATIENCE = 6
"""Seconds on the clock for one of processor time, as other work may run beside this."""


@dataclass(slots=True)
class Tally:
    """What became of the inputs; the lists have the numbers of those that broke something."""

    inputs: int = 0
    crashes: list[int] = field(default_factory=list)
    hangs: list[int] = field(default_factory=list)
    beyond_memory: list[int] = field(default_factory=list)
    found: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    processor_seconds: float = 0.0
    peak_rss_mb: float = 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds of processor time for an input, megabytes for a process."""

    seconds: float
    memory_mb: int


def read_one(seed: int, number: int) -> Counter[str]:
    form, content = hostile_input(f"{seed} {number}")
    return read_hostile(form, content, MENDING if number % 4 == 0 else OPTIONS)


def work(seed: int, numbers: range, shared: mmap.mmap, limits: Limits) -> None:
    """Read inputs as this process's last deed, keeping the number at hand in ``shared``."""
    size = limits.memory_mb << 20
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    found: Counter[str] = Counter()
    number = numbers.start
    try:
        for number in numbers:
            STATE.pack_into(shared, 0, number, *(found[name] for name in COUNTS))
            signal.setitimer(signal.ITIMER_PROF, limits.seconds)
            found += read_one(seed, number)
        signal.setitimer(signal.ITIMER_PROF, 0)
        STATE.pack_into(shared, 0, numbers.stop, *(found[name] for name in COUNTS))
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except BaseException:
        print(f"input {number}:\n{traceback.format_exc()}", file=sys.stderr)
        os._exit(CRASHED)
    os._exit(0)


def fuzz(seed: int, numbers: range, limits: Limits) -> Tally:
    """Read all inputs, in as many processes as it takes."""
    tally = Tally(len(numbers))
    start = numbers.start
    while start < numbers.stop:
        shared = mmap.mmap(-1, STATE.size)
        child = os.fork()
        if not child:
            work(seed, range(start, numbers.stop), shared, limits)
        status = wait(child, shared, PATIENCE * limits.seconds)
        number, *counts = STATE.unpack_from(shared)
        for name, count in zip(COUNTS, counts, strict=True):
            tally.found[name] += count
        if number < numbers.stop:
            broken(tally, status).append(number)
        start = number + 1
        shared.close()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    tally.processor_seconds = round(used.ru_utime + used.ru_stime, 1)
    tally.peak_rss_mb = round(used.ru_maxrss / 1024, 1)
    return tally


def wait(child: int, shared: mmap.mmap, seconds: float) -> int:
    """The exit code of a process, killed where it stays at one input for so long on the clock."""
    seen, since = -1, time.monotonic()
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        number = STATE.unpack_from(shared)[0]
        if number != seen:
            seen, since = number, time.monotonic()
        elif time.monotonic() - since > seconds:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return -signal.SIGPROF
        time.sleep(0.05)


def broken(tally: Tally, status: int) -> list[int]:
    if status == -signal.SIGPROF:
        return tally.hangs
    return tally.beyond_memory if status == OUT_OF_MEMORY else tally.crashes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--memory-mb", type=int, default=1024)
    parser.add_argument("--only", type=int, metavar="N", help="read input N here and show it")
    chosen = parser.parse_args()
    logging.disable()  # what readers warn of would be a million lines
    if chosen.only is not None:
        print(hostile_input(f"{chosen.seed} {chosen.only}"))
        print(dict(read_one(chosen.seed, chosen.only)))
        return
    numbers = range(chosen.first, chosen.first + chosen.inputs)
    tally = fuzz(chosen.seed, numbers, Limits(chosen.seconds, chosen.memory_mb))
    print(json.dumps(asdict(tally)))
    sys.exit(bool(tally.crashes or tally.hangs or tally.beyond_memory))


if __name__ == "__main__":
    with errors_told():
        main()
