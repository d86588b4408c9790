"""The inputs of a run as one stream of records, which can be entered where an earlier run ended."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from keci.corpus.readers import AUTO, find_sources, read_source
from keci.corpus.records import START, Cursor, Record, Selection
from keci.corpus.sources import ContentStream, ReadOptions, Source
from keci.documents import Document, Failure
from keci.errors import DataError


class CorpusReader:
    """Reads the selected records of all inputs in order.

    ``total_bytes`` is what the inputs hold as they are stored, None where one has no known size (a
    pipe); ``bytes_read`` and ``cursor`` say how far reading has come.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        *,
        input_format: str = AUTO,
        options: ReadOptions | None = None,
        selection: Selection | None = None,
    ) -> None:
        """Raises UsageError for an input that is missing, unreadable or of no known format."""
        self.input_format = input_format
        self.options = options or ReadOptions()
        self.selection = selection or Selection()
        self.sources = find_sources(inputs, input_format, self.options)
        self._states = [_state(source) for source in self.sources]
        sizes = [state[0] for state in self._states if state]
        self.total_bytes = sum(sizes) if len(sizes) == len(self.sources) else None
        self.cursor = START
        self._stream: ContentStream | None = None
        self._bytes_before = 0

    @property
    def bytes_read(self) -> int:
        return self._bytes_before + (self._stream.stored_size if self._stream else 0)

    def read(self, start: Cursor = START) -> Iterator[Record]:
        """The records after ``start`` that belong to the selection's shard.

        Raises DataError at the end of an input that is not as it was when the reader was made.
        """
        selection, self.cursor = self.selection, start
        if start.taken == selection.limit:
            return
        for place, source, content in self._read_all(start):
            is_read = selection.reads(source.name, place.position)
            is_taken = is_read and selection.samples(place.read - 1)
            self.cursor = replace(place, taken=self.cursor.taken + is_taken)
            if is_taken and selection.shard.has(self.cursor.taken - 1):
                yield Record(source.name, place.position, content, self.cursor)
            if self.cursor.taken == selection.limit:
                return

    def _read_all(self, start: Cursor) -> Iterator[tuple[Cursor, Source, Document | Failure]]:
        """Every record with its source and the cursor after it, ``taken`` left open."""
        read = start.read
        for number, source in enumerate(self.sources):
            if number >= start.source:
                skipped = start.position if number == start.source else 0
                contents = islice(self._read_source(source), skipped, None)
                for position, content in enumerate(contents, start=skipped + 1):
                    read += 1
                    yield Cursor(number, position, read), source, content
            self._stream = None
            state = self._states[number]
            if number >= start.source and state != _state(source):
                raise DataError(f"the input {source.name} was changed while it was read")
            self._bytes_before += state[0] if state else 0

    def _read_source(self, source: Source) -> Iterator[Document | Failure]:
        return read_source(
            source, input_format=self.input_format, options=self.options, watch=self._watch
        )

    def _watch(self, stream: ContentStream) -> None:
        self._stream = stream


def _state(source: Source) -> tuple[int, int] | None:
    """Size and time of change of a file."""
    if not source.is_regular:
        return None
    found = Path(source.path).stat()
    return found.st_size, found.st_mtime_ns
