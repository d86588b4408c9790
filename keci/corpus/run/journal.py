"""The journal of a run: one checked line for what it is, then one for each commit.

Each line is the CRC-32 of a json object in eight hexadecimal digits, a space, and the object. A
line counts when it is whole; what follows the last whole line is what a death has torn.
"""

import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from keci.corpus.durable import Disk

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
        yield orjson.loads(found[2]), size
