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

_MODE = 0o666
_CANNOT_OPEN_FOLDERS = os.name == "nt"


class DurableFile(io.RawIOBase):
    """A file open for appending; nothing is held back in memory."""

    def __init__(self, path: Path, size: int) -> None:
        """Open or create ``path`` and cut it to its first ``size`` bytes."""
        super().__init__()
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), _MODE)
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
    """Opens, renames and removes files durably."""

    def open(self, path: Path, size: int = 0) -> DurableFile:
        """``path`` for appending after its first ``size`` bytes; the rest is cut off."""
        file = DurableFile(path, size)
        self.sync_folder(path.parent)
        return file

    def replace(self, path: Path, target: Path) -> None:
        """Give a file that is synced another name, in place of what has that name."""
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
