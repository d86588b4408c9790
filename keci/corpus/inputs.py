"""What the user names as input, spelled out as files: folders, patterns, and ``-`` for stdin."""

import glob
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from keci.corpus.detection import suffix
from keci.corpus.sources import STDIN
from keci.errors import UsageError

SUFFIXES_IN_FOLDERS = frozenset(
    [".json", ".jsonl", ".ndjson", ".nxml", ".pubtator", ".txt", ".xml"]
)
_log = logging.getLogger(__name__)


def expand_inputs(inputs: Sequence[str]) -> list[str]:
    """The files in the order of the inputs, those of a folder or pattern sorted by name.

    A folder is searched to the bottom for names that end like a format (a compression suffix may
    follow); hidden files and folders are passed over. Raises UsageError where an input has no file.
    """
    return [path for given in inputs for path in _expand(given)]


def _expand(given: str) -> list[str]:
    if given == STDIN:
        return [given]
    path = Path(given)
    if path.is_dir():
        return _files_in(path)
    if path.exists() or not glob.has_magic(given):
        return [given]
    matches = sorted(match for match in glob.glob(given, recursive=True) if Path(match).is_file())
    if not matches:
        raise UsageError(f"no file matches the input {given}")
    return matches


def _files_in(folder: Path) -> list[str]:
    files = sorted(_visible_files(folder))
    chosen = [str(path) for path in files if suffix(path.name) in SUFFIXES_IN_FOLDERS]
    if not chosen:
        endings = ", ".join(sorted(SUFFIXES_IN_FOLDERS))
        raise UsageError(f"the folder {folder} has no file that ends in one of {endings}")
    if len(chosen) < len(files):
        _log.warning("%s: %d files of other kinds are left out", folder, len(files) - len(chosen))
    return chosen


def _visible_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not is_hidden and path.is_file():
            yield path
