"""Does a run that is killed again and again end with the same bytes?

``python -m benchmarks.interruptions INPUT --folder EMPTY --kills 200 -- --model ade --no-kb``

What follows ``--`` are options of keci-extract. One run goes undisturbed; then processes that
resume are killed (SIGKILL) at seeded random moments, over as many runs as that takes. Each process
is forked from one that has the packages loaded, so that its life is spent at work. POSIX only.
"""

import argparse
import importlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

PRELOADED = ("torch", "onnxruntime", "keci.cli.extract_plan", "keci.runtime.extractor")
CRASHED = 3


@dataclass(slots=True)
class Tally:
    """What became of the processes: ``inside`` were killed after their first commit."""

    kills: int = 0
    inside: int = 0
    finished_runs: int = 0
    identical_runs: int = 0
    whole_run_seconds: float = 0.0


def extract(arguments: Sequence[str]) -> None:
    """keci-extract, as this process's last deed."""
    from keci.cli.extract import main

    code = CRASHED
    try:
        main([*arguments, "--quiet"])
    except SystemExit as stop:
        code = int(stop.code or 0)
    finally:
        os._exit(code)


def run_for(arguments: Sequence[str], seconds: float | None) -> int:
    """Fork a process and kill it after so many seconds; negative then, else its exit code."""
    child = os.fork()
    if not child:
        extract(arguments)
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if deadline is not None and time.monotonic() >= deadline:
            os.kill(child, signal.SIGKILL)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        time.sleep(0.002)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def measure(inputs: Sequence[str], options: Sequence[str], folder: Path, kills: int) -> Tally:
    """Raises SystemExit where a run fails by itself."""
    tally = Tally()
    chance = random.Random(1)
    whole = folder / "whole"
    started = time.perf_counter()
    code = run_for([*inputs, *options, "--output-dir", str(whole)], None)
    tally.whole_run_seconds = round(time.perf_counter() - started, 1)
    if code > 1:
        sys.exit(f"the undisturbed run ended with exit code {code}")
    while tally.kills < kills:
        output = folder / f"run{tally.finished_runs}"
        code = -signal.SIGKILL
        while code < 0:
            last = tally.kills >= kills
            seconds = None if last else chance.uniform(0, tally.whole_run_seconds)
            code = run_for([*inputs, *options, "--output-dir", str(output), "--resume"], seconds)
            tally.kills += code < 0
            journal = output / "journal"
            tally.inside += code < 0 and journal.is_file() and b'"state"' in journal.read_bytes()
        if code > 1:
            sys.exit(f"a resumed run ended with exit code {code}")
        tally.finished_runs += 1
        tally.identical_runs += contents(output) == contents(whole)
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", nargs="+", metavar="INPUT")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=200)
    words = sys.argv[1:]
    place = words.index("--") if "--" in words else len(words)
    chosen = parser.parse_args(words[:place])
    for name in PRELOADED:
        importlib.import_module(name)
    tally = measure(chosen.inputs, words[place + 1 :], chosen.folder, chosen.kills)
    print(json.dumps(asdict(tally)))
    sys.exit(tally.identical_runs != tally.finished_runs)


if __name__ == "__main__":
    main()
