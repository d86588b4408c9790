"""File operations that survive a power cut once they have returned; a run does no others.

Tests put a Disk in this one's place that fails, or forgets what was never synced.
"""

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from keci.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
try:
    import fcntl
except ImportError:  # only POSIX systems have it
    fcntl = None  # type: ignore[assignment]  # Windows has none
import gzip
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Self, cast

_MODE = 0o666
_OPEN_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
_CANNOT_OPEN_FOLDERS = os.name == "nt"


class DurableFile(io.RawIOBase):
    """A file open for appending; nothing is held back in memory."""

    def __init__(self, path: Path, size: int, mode: int = _MODE) -> None:
        """Open or create ``path`` and cut it to its first ``size`` bytes.

        ``mode`` is for a new file. A symbolic link is not followed: OSError.
        """
        super().__init__()
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _OPEN_FLAGS, mode)
        os.ftruncate(self._descriptor, size)
        os.lseek(self._descriptor, size, os.SEEK_SET)

    def writable(self) -> bool:
        return True

    def write(self, content: "ReadableBuffer", /) -> int:
        """Write all of it; raises OSError where only a part fits."""
        whole = memoryview(content).cast("B")
        remaining = whole
        while remaining:
            remaining = remaining[os.write(self._descriptor, remaining) :]
        return len(whole)

    def sync(self) -> None:
        """Return when all that was written is on the disk."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        if not self.closed:
            super().close()
            os.close(self._descriptor)


class Disk:
    """Opens, renames and removes files durably; new files have the mode that it is given."""

    mode = _MODE

    def open(self, path: Path, size: int = 0) -> DurableFile:
        """``path`` for appending after its first ``size`` bytes; the rest is cut off."""
        file = DurableFile(path, size, self.mode)
        self.sync_folder(path.parent)
        return file

    def replace(self, path: Path, target: Path) -> None:
        """Give a file that is synced another name, in place of what has that name.

        It takes over the mode of the file that it replaces.
        """
        keep_mode(path, target)
        path.replace(target)
        self.sync_folder(target.parent)

    def remove(self, path: Path) -> None:
        """Remove a file if it is there."""
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """Make the names in a folder durable, where the system can."""
        if _CANNOT_OPEN_FOLDERS:
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def keep_mode(path: Path, target: Path) -> None:
    """Give ``path`` the mode of ``target``, where there is such a file."""
    if target.is_file():
        path.chmod(stat.S_IMODE(target.stat().st_mode))


class Lock:
    """Keeps other processes from a file until it is released or the process dies."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError where another process has the lock."""
        self._path = path
        self._file = path.open("ab")
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise UsageError(f"another run is writing there now: it holds {path}") from error

    def release(self) -> None:
        """Let others have the file, which is removed where nothing was written to it."""
        if self._file.closed:
            return
        if self._path.is_file() and not self._path.stat().st_size:
            self._path.unlink()
        self._file.close()


def publish(disk: Disk, target: Path, content: bytes) -> None:
    """Put a small file in place whole: readers see the old content or the new, never a part."""
    partial = target.with_name(f"{target.name}.partial")
    file = disk.open(partial)
    try:
        file.write(content)
        file.sync()
    finally:
        file.close()
    disk.replace(partial, target)


@contextmanager
def whole_file(target: Path) -> Iterator[BinaryIO]:
    """A partial file to fill, which takes the place and mode of ``target`` if the block succeeds.

    Raises UsageError where it cannot be opened; a link in its way is not followed.
    """
    partial = target.with_name(f"{target.name}.partial")
    try:
        file = _open_partial(partial, target)
    except OSError as error:
        raise UsageError(f"cannot write to {target}: {error.strerror or error}") from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        keep_mode(partial, target)
        partial.replace(target)
        _sync(target.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def whole_folder(folder: Path, *, replace: bool = True) -> Iterator[Path]:
    """A temporary folder to fill, which takes the place of ``folder`` if the block succeeds.

    Where the block raises, the temporary folder is removed and ``folder`` is left as it was; so it
    is without ``replace`` where it holds something by then, and OSError is raised. A process that
    dies leaves the old folder whole, or the new one, or for a moment the old one as ``.NAME-old-*``
    beside it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield partial
        partial.chmod(0o755)
        if replace and folder.exists():
            _exchange(folder, partial)
        else:
            partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _exchange(folder: Path, new: Path) -> None:
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
    folder.rename(aside / folder.name)
    try:
        new.rename(folder)
    except BaseException:
        (aside / folder.name).rename(folder)
        aside.rmdir()
        raise
    shutil.rmtree(aside)


STDOUT = "-"
GZIP_LEVEL = 6


class OutputFile:
    """A byte output; a regular file is written as ``NAME.partial`` and renamed by ``close``.

    ``-`` is standard output. A pipe or device is written to directly. A name ending in ``.gz`` is
    compressed, without a time stamp, so that equal content gives equal bytes. Leaving the context
    by an exception keeps what was written under the partial name. Raises UsageError where the
    output cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._target = Path(os.path.realpath(path))
        self.is_regular = path != STDOUT and (self._target.is_file() or not self._target.exists())
        self.partial_path = self._target.with_name(f"{self._target.name}.partial")
        self._file = self._open()
        self._content = self._file
        if path.endswith(".gz"):
            compressed = gzip.GzipFile("", "wb", GZIP_LEVEL, self._file, mtime=0)
            self._content = cast(BinaryIO, compressed)

    def _open(self) -> BinaryIO:
        if self.path == STDOUT:
            return sys.stdout.buffer
        try:
            if self.is_regular:
                return _open_partial(self.partial_path, self._target)
            return self._target.open("wb")
        except OSError as error:
            raise UsageError(f"cannot write to {self.path}: {error.strerror or error}") from error

    def write(self, content: bytes) -> None:
        self._content.write(content)

    def flush(self) -> None:
        self._content.flush()

    def close(self) -> None:
        """Finish the output and put it in place; a regular file then survives a power cut."""
        self._finish()
        if self.is_regular:
            keep_mode(self.partial_path, self._target)
            self.partial_path.replace(self._target)
            _sync(self._target.parent)

    def abandon(self) -> None:
        """Finish the output but leave it under its partial name."""
        self._finish()

    def _finish(self) -> None:
        if self._content is not self._file:
            self._content.close()
        self._file.flush()
        if self.is_regular:
            os.fsync(self._file.fileno())
        if self.path != STDOUT:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


def _open_partial(partial: Path, target: Path) -> BinaryIO:
    """The partial file, with the mode of the file that it will replace; a link is refused."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _OPEN_FLAGS
    mode = stat.S_IMODE(target.stat().st_mode) if target.is_file() else _MODE
    return os.fdopen(os.open(partial, flags, mode), "wb")


def _sync(folder: Path) -> None:
    """Make a rename in the folder durable, if it can be opened.

    A Disk insists on that; here the file is in place, and a folder without leave to read is one.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
