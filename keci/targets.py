"""Files that are about to be written: checked against all that is read, before anything begins.

Files are compared by what they are (device and inode), not by name: a hard link, a symbolic link
and ``./x`` are the file itself.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from keci.errors import UsageError

_LONGEST_NAME = 255
_STDIN = 0
Identity = tuple[int, int]
Read = Path | str
"""A file or folder that is read; ``-`` is standard input."""


def check_targets(written: Iterable[Path], read: Iterable[Read]) -> None:
    """Raises UsageError unless every file can be made, or replaced, and none is read or two.

    What is there already must be a regular file: links are not followed, pipes and devices not
    replaced. Folders in ``read`` stand for all files in them, to the bottom.
    """
    paths = list(written)
    for path in paths:
        _check_target(path)
    _check_distinct(paths)
    inputs = dict(_identities(read))
    for path in paths:
        identity = _identity(path)
        name = identity and inputs.get(identity)
        if name:
            raise UsageError(f"{path} would be written over {name}, which is read")


def check_folder(folder: Path, read: Iterable[Read]) -> None:
    """Raises UsageError where a file or folder that is read lies in a folder of many outputs."""
    for path in map(Path, read):
        if path.exists() and path.resolve().is_relative_to(folder.resolve()):
            raise UsageError(
                f"{path} is read and lies in {folder}, which is written; choose another"
            )


def check_output(path: str, read: Iterable[Read]) -> None:
    """As ``check_targets`` for a file that is written as ``NAME.partial`` first, or ``-``."""
    if path == "-":
        check_standard_output(read)
    else:
        target = Path(path)
        check_targets([target, target.parent / f"{target.name}.partial"], read)


def check_standard_output(read: Iterable[Read]) -> None:
    """Raises UsageError where standard output is closed, or is a file that is read."""
    try:
        output = os.fstat(1)
    except OSError as error:
        raise UsageError("standard output is closed; name a file with -o") from error
    if not stat.S_ISREG(output.st_mode):
        return
    name = dict(_identities(read)).get((output.st_dev, output.st_ino))
    if name is not None:
        raise UsageError(f"standard output goes to {name}, which is read")


def _check_target(path: Path) -> None:
    folder = path.parent
    if len(os.fsencode(path.name)) > _LONGEST_NAME:
        raise UsageError(f"cannot write {path.name[:60]}...: the name is too long")
    try:
        found = path.lstat()
    except FileNotFoundError:
        if not folder.is_dir():
            raise UsageError(f"cannot write {path}: there is no folder {folder}") from None
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error
    else:
        if not stat.S_ISREG(found.st_mode):
            raise UsageError(f"cannot write {path}: {_kind(found.st_mode)} is in the way")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"cannot write {path}: the folder {folder} is read-only")


def _check_distinct(paths: Iterable[Path]) -> None:
    seen: set[Path | Identity] = set()
    for path in paths:
        keys = {path.absolute(), _identity(path) or path.absolute()}
        if keys & seen:
            raise UsageError(f"two outputs would go to {path}")
        seen |= keys


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a symbolic link" if stat.S_ISLNK(mode) else "a pipe or device"


def _identities(paths: Iterable[Read]) -> Iterable[tuple[Identity | None, Path | str]]:
    for path in paths:
        if path == "-":
            yield _identity(_STDIN), "standard input"
        elif Path(path).is_dir():
            yield from ((_identity(each), each) for each in _files_below(Path(path)))
        elif Path(path).is_file():
            yield _identity(path), path


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders.sort()
        yield from (path for name in sorted(files) if (path := Path(parent, name)).is_file())


def _identity(path: Path | str | int) -> Identity | None:
    """Device and inode of what a path or descriptor leads to; None where there is no file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None
