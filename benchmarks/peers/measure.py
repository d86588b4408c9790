"""Processor time and memory of a command, its children included.

``python -m benchmarks.peers.measure FOLDER LOG WORD ...`` starts the command, so that its parent is
small: what a process took at most counts what its parent had when it was started.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from keci.cli.options import errors_told
from keci.errors import DataError

_ROOT = Path(__file__).resolve().parents[2]
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
}


@dataclass(frozen=True, slots=True)
class Command:
    """The words of a command line and the folder where it is run."""

    words: tuple[str | Path, ...]
    folder: Path = Path()


@dataclass(frozen=True, slots=True)
class Files:
    """What a prediction reads, a file of ``sentences.prepare``, and what it writes."""

    sentences: Path
    output: Path


@dataclass(frozen=True, slots=True)
class Usage:
    """What a command took: ``seconds`` of processor time, ``peak`` memory in megabytes."""

    seconds: float
    peak: float


def run(command: Command, log: Path) -> Usage:
    """Run a command on one thread, its output in a log.

    ``peak`` is that of the process which took most. Raises DataError where the command fails.
    """
    words = [str(word) for word in (command.folder.absolute(), log.absolute(), *command.words)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers.measure", *words],
        cwd=_ROOT,
        env=os.environ | _ONE_THREAD,
        stdout=subprocess.PIPE,
        check=True,
    )
    code, seconds, peak = json.loads(done.stdout)
    if code:
        raise DataError(f"{words[2]} ended with {code}; its output is in {log}")
    return Usage(seconds, peak)


def rate(whole: Usage, part: Usage, more: int) -> float | None:
    """Sentences a second of processor time, where the whole had so many sentences ``more``.

    The starts of both commands, models and knowledge base read, cancel out. None where the whole
    took no longer than the part: the sentences take less than the starts differ.
    """
    seconds = whole.seconds - part.seconds
    return more / seconds if seconds > 0 else None


def main() -> None:
    """Run the command and print its exit code, seconds and megabytes."""
    folder, log, *words = sys.argv[1:]
    with Path(log).open("wb") as output:
        process = subprocess.Popen(words, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
    code = process.returncode = os.waitstatus_to_exitcode(status)
    print(json.dumps([code, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))


if __name__ == "__main__":
    with errors_told():
        main()
