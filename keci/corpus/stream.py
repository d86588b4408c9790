"""The inputs of a run as one stream of records, which can be entered where an earlier run ended."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from keci.corpus.readers import AUTO, find_sources, read_source
from keci.corpus.records import Cursor, Record, Selection
from keci.corpus.sources import InputProgress, ReadOptions, Source


class CorpusReader:
    """Reads the selected records of all inputs in order.

    ``total_bytes`` is what the inputs hold as they are stored, None where one of them has no known
    size (a pipe); ``bytes_read`` is how far reading has come.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        *,
        input_format: str = AUTO,
        options: ReadOptions = ReadOptions(),
        selection: Selection = Selection(),
    ) -> None:
        """Raises UsageError for an input that is missing, unreadable or of no known format."""
        self.sources = find_sources(inputs, input_format, options)
        self.input_format = input_format
        self.options = options
        self.selection = selection
        self._progress = InputProgress()
        self._bytes_before = 0

    @property
    def total_bytes(self) -> int | None:
        if not all(source.is_regular for source in self.sources):
            return None
        return sum(_size(source) for source in self.sources)

    @property
    def bytes_read(self) -> int:
        return self._bytes_before + self._progress.bytes_read

    def read(self, start: Cursor = Cursor()) -> Iterator[Record]:
        """The records after ``start``, those of the selection's shard."""
        selection = self.selection
        for cursor, source, content in self._read_from(start):
            if selection.shard.has(cursor.taken - 1):
                yield Record(source.name, cursor.position, content, cursor)

    def _read_from(self, start: Cursor) -> Iterator[tuple[Cursor, Source, Content]]:
        ...
