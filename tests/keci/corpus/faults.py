"""A disk that dies, is cut from its power, or fails at a chosen operation."""

import errno
import random
from pathlib import Path
from typing import TYPE_CHECKING

from keci.files import Disk, DurableFile

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

KILL, POWER, FULL, BROKEN = "kill", "power cut", "disk full", "input/output error"
FAULTS = (KILL, POWER, FULL, BROKEN)
ERRORS = {FULL: errno.ENOSPC, BROKEN: errno.EIO}


class Death(BaseException):
    """The process is gone: nothing may catch this and go on writing."""


class FaultyDisk(Disk):
    """Fails at operation number ``at`` (from 0) and at every later one.

    A write that fails leaves some of its bytes; a power cut takes any bytes that were not synced.
    """

    def __init__(self, fault: str, at: int, seed: int = 0) -> None:
        self.fault, self.at = fault, at
        self.operations: list[str] = []
        self.random = random.Random(f"{fault} {at} {seed}")
        self.unsynced: dict[Path, int] = {}

    @property
    def has_failed(self) -> bool:
        return len(self.operations) > self.at

    def step(self, operation: str) -> bool:
        """Count an operation; True where it is the one at which the disk fails."""
        if self.has_failed:
            raise self.failure()
        self.operations.append(operation)
        return self.has_failed

    def failure(self) -> BaseException:
        if self.fault == POWER:
            for path, synced in self.unsynced.items():
                if path.is_file() and path.stat().st_size > synced:
                    with path.open("r+b") as file:
                        file.truncate(self.random.randint(synced, path.stat().st_size))
            self.unsynced = {}
        number = ERRORS.get(self.fault)
        return OSError(number, self.fault) if number else Death(self.operations[-1])

    def open(self, path: Path, size: int = 0) -> DurableFile:
        if self.step(f"open {path.name}"):
            raise self.failure()
        return FaultyFile(path, size, self)

    def replace(self, path: Path, target: Path) -> None:
        fails = self.step(f"replace {path.name}")
        if not fails or self.random.random() < 0.5:
            path.replace(target)
            self.unsynced.pop(path, None)
        if fails:
            raise self.failure()

    def remove(self, path: Path) -> None:
        if self.step(f"remove {path.name}"):
            raise self.failure()
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        pass


class FaultyFile(DurableFile):
    def __init__(self, path: Path, size: int, disk: FaultyDisk) -> None:
        super().__init__(path, size)
        self.disk = disk
        disk.unsynced[path] = size

    def write(self, content: "ReadableBuffer", /) -> int:
        whole = bytes(content)
        if self.disk.step(f"write {self.path.name}"):
            super().write(whole[: self.disk.random.randint(0, len(whole))])
            raise self.disk.failure()
        return super().write(whole)

    def sync(self) -> None:
        if self.disk.step(f"sync {self.path.name}"):
            raise self.disk.failure()
        self.disk.unsynced[self.path] = self.path.stat().st_size


def sound_disk() -> FaultyDisk:
    """One that never fails, and saves the time of syncing."""
    return FaultyDisk("none", 1_000_000)
