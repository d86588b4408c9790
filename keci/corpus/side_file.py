"""A file of lines that a run may leave beside its parts: its failures, its withdrawn records."""

from collections.abc import Callable, Sequence
from pathlib import Path

from keci.corpus.durable import Disk, DurableFile
from keci.corpus.layout import PARTIAL
from keci.corpus.manifest import FileFacts, file_facts
from keci.errors import KeciError


class SideFile:
    """Collects lines under a partial name; there is no file where there are no lines."""

    def __init__(self, target: Path, disk: Disk, size: int) -> None:
        """Go on after the first ``size`` bytes."""
        self.target, self._disk, self._size = target, disk, size
        self._spool = target.with_name(f"{target.name}{PARTIAL}")
        self._file: DurableFile | None = None
        self._is_synced = True

    def append(self, lines: Sequence[bytes]) -> int:
        """Write the lines and give their bytes."""
        if not lines:
            return 0
        content = b"".join(lines)
        self._file = self._file or open_spool(self._disk, self._spool, self._size)
        self._is_synced = False
        self._file.write(content)
        self._size += len(content)
        return len(content)

    def sync(self) -> None:
        if self._file and not self._is_synced:
            self._file.sync()
            self._is_synced = True

    def settle(self, facts: FileFacts) -> None:
        """Take back a file that was put in place before the run died."""
        is_there = self.target.is_file() and file_facts(self.target, facts.records) == facts
        if is_there and not self._spool.exists():
            self._disk.replace(self.target, self._spool)

    def publish(self, records: int, note: Callable[[FileFacts], object]) -> FileFacts | None:
        """Put the file in place, noted before; an old one goes where there are no records."""
        if not records:
            self._disk.remove(self.target)
            self._disk.remove(self._spool)
            return None
        file = self._file or open_spool(self._disk, self._spool, self._size)
        file.close()
        facts = file_facts(self._spool, records, self.target.name)
        note(facts)
        self._disk.replace(self._spool, self.target)
        return facts

    def close(self) -> None:
        if self._file:
            self._file.close()


def open_spool(disk: Disk, path: Path, size: int) -> DurableFile:
    """A file to append to behind ``size`` bytes; raises KeciError where it has fewer."""
    found = path.stat().st_size if path.is_file() else 0
    if found < size:
        raise KeciError(
            f"{path} has {found} bytes where the journal knows of {size}: it was changed; "
            "--overwrite begins the run again"
        )
    return disk.open(path, size)
