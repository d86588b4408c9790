"""What keci-extract gains by several processes on this machine.

``python -m benchmarks.processes INPUT --processes 1 2 4 -- --model ade --kb kb/open``

What follows ``--`` are options of keci-extract. Each round runs it once with each number of
processes, so that other load hits all alike, and checks that all write the same bytes. Printed are
medians: records a second, starting included, their ratio to the first number's in the same round,
and the memory of all processes at its peak, in megabytes, shared pages counted for each.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.commands import MEGABYTE, PROGRAM, parse_before_options
from keci.cli.options import errors_told
from keci.errors import DataError


class Run(NamedTuple):
    """One run; ``rate`` in records a second, ``peak`` in bytes."""

    rate: float
    peak: int
    output: bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("input", type=Path)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    chosen, options = parse_before_options(parser)
    rounds = [
        {number: run(chosen.input, number, options) for number in chosen.processes}
        for _ in range(chosen.rounds)
    ]
    print(json.dumps(report(rounds), indent=2))


def run(corpus: Path, processes: int, options: Sequence[str]) -> Run:
    """Raises DataError where keci-extract does not end well."""
    with tempfile.TemporaryDirectory() as folder:
        output, metrics = Path(folder) / "out.jsonl", Path(folder) / "metrics.json"
        command = [
            sys.executable, "-c", PROGRAM, str(corpus), "-o", str(output), "--quiet",
            "--metrics", str(metrics), "--processes", str(processes), *options,
        ]  # fmt: skip
        started = time.perf_counter()
        done = subprocess.run(command, check=False)
        seconds = time.perf_counter() - started
        if done.returncode:
            raise DataError(f"keci-extract ended with exit code {done.returncode}")
        told = json.loads(metrics.read_bytes())
        peak = told["memory"]["peak_rss_bytes"]
        return Run(told["records"] / seconds, peak, output.read_bytes())


def report(rounds: Sequence[dict[int, Run]]) -> dict[str, object]:
    """The figures by number of processes; raises DataError where outputs differ."""
    if len({one.output for each in rounds for one in each.values()}) > 1:
        raise DataError("the runs wrote different bytes")
    first = next(iter(rounds[0]))
    return {
        str(number): {
            "records_per_s": round(median(each[number].rate for each in rounds), 1),
            "speedup": round(median(each[number].rate / each[first].rate for each in rounds), 3),
            "peak_rss_mb": round(median(each[number].peak for each in rounds) / MEGABYTE),
        }
        for number in rounds[0]
    }


if __name__ == "__main__":
    with errors_told():
        main()
