"""File operations that survive a power cut once they have returned; a run does no others.

Tests put a Disk in this one's place that fails, or forgets what was never synced.
"""

import os
from pathlib import Path

_SPARE_MODE = 0o666
CANNOT_OPEN_FOLDERS = os.name == "nt"


class DurableFile:
    """A file open for appending; nothing is held back in memory."""

    def __init__(self, path: Path, size: int) -> None:
        """Open or create ``path`` and cut it to its first ``size`` bytes."""
        self.path = path
        binary = getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | binary, _SPARE_MODE)
        os.ftruncate(self._descriptor, size)
        os.lseek(self._descriptor, size, os.SEEK_SET)
        self.size = size

    def write(self, content: bytes) -> int:
        remaining = memoryview(content)
        while remaining:
            remaining = remaining[os.write(self._descriptor, remaining) :]
        self.size += len(content)
        return len(content)

    def sync(self) -> None:
        """Return when all that was written is on the disk."""
        os.fsync(self._descriptor)

    def close(self) -> None:
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
        if CANNOT_OPEN_FOLDERS:
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


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
