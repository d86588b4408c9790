"""The journal of a run: one checked line for what it is, then one for each commit.

Each line is the CRC-32 of a json object in eight hexadecimal digits, a space, and the object. A
line counts when it is whole; what follows the last whole line is what a death has torn.
"""

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO, Self

import orjson

from keci.corpus.records import START, Cursor
from keci.corpus.run.manifest import FileFacts, read_run
from keci.fields import Fields
from keci.files import Disk

_LINE = re.compile(rb"([0-9a-f]{8}) (.*)\n", re.DOTALL)
LONGEST_LINE = 1 << 30

Entry = Mapping[str, Any]


class Journal:
    """Appends entries; each is on the disk when ``append`` returns."""

    def __init__(self, path: Path, disk: Disk, size: int = 0) -> None:
        """Go on after the first ``size`` bytes of the file; 0 begins a new journal."""
        self.path = path
        self._disk = disk
        self._file = disk.open(path, size)

    def append(self, entry: Entry) -> None:
        self._file.write(encode_entry(entry))
        self._file.sync()

    def close(self) -> None:
        self._file.close()


def encode_entry(entry: Entry) -> bytes:
    content = orjson.dumps(entry)
    return b"%08x %s\n" % (zlib.crc32(content), content)


def read_journal(path: Path) -> Iterator[tuple[Entry, int]]:
    """The whole entries in order, each with the size of the journal after it; none in no file."""
    if not path.is_file():
        return
    with path.open("rb") as lines:
        yield from _read_entries(lines)


def _read_entries(lines: BinaryIO) -> Iterator[tuple[Entry, int]]:
    size = 0
    while line := lines.readline(LONGEST_LINE):
        found = _LINE.fullmatch(line)
        if found is None or int(found[1], 16) != zlib.crc32(found[2]):
            return
        size += len(line)
        try:
            entry = orjson.loads(found[2])
        except orjson.JSONDecodeError:
            return
        yield entry, size


@dataclass(frozen=True, slots=True)
class RunState:
    """How far a run has come: part ``part`` is open, with ``spool_bytes`` in its spool.

    Of the records withdrawn, ``superseded`` had a later revision; the others were deleted.
    """

    cursor: Cursor = START
    written: int = 0
    failed: int = 0
    withdrawn: int = 0
    superseded: int = 0
    part: int = 1
    part_written: int = 0
    spool_bytes: int = 0
    failures_bytes: int = 0
    withdrawn_bytes: int = 0

    @property
    def records(self) -> int:
        return self.written + self.failed + self.withdrawn

    @classmethod
    def read(cls, record: Fields) -> Self:
        """Raises DataError where a field is missing or no number."""
        inner = record.inner("cursor")
        cursor = Cursor(**{item.name: inner.count(item.name) for item in fields(Cursor)})
        numbers = [item.name for item in fields(cls) if item.name != "cursor"]
        return cls(cursor, **{name: record.count(name) for name in numbers})


@dataclass(frozen=True, slots=True)
class RunHistory:
    """``publishing`` were being put in place when the journal of ``size`` ends."""

    run: Mapping[str, Any]
    state: RunState
    parts: tuple[FileFacts, ...]
    publishing: tuple[FileFacts, ...]
    size: int


def run_entry(run: Mapping[str, Any]) -> Entry:
    return {"run": run}


def state_entry(state: RunState) -> Entry:
    return {"state": asdict(state)}


def publishing_entry(facts: FileFacts) -> Entry:
    return {"publishing": asdict(facts)}


def part_entry(facts: FileFacts, state: RunState) -> Entry:
    return {"part": asdict(facts), **state_entry(state)}


def read_history(path: Path) -> RunHistory | None:
    """The run that a journal tells of; None where there is none, or it died before it began."""
    run, state, size = None, RunState(), 0
    parts: list[FileFacts] = []
    publishing: dict[str, FileFacts] = {}
    for number, (entry, end) in enumerate(read_journal(path), start=1):
        size = end
        record = Fields(entry, f"{path}, line {number}")
        run = read_run(record) if "run" in entry else run
        state = RunState.read(record.inner("state")) if "state" in entry else state
        facts = [FileFacts.read(record.inner("publishing"))] if "publishing" in entry else []
        publishing = {**(publishing if facts else {}), **{item.name: item for item in facts}}
        parts += [FileFacts.read(record.inner("part"))] if "part" in entry else []
    if run is None:
        return None
    return RunHistory(run, state, tuple(parts), tuple(publishing.values()), size)
