"""All that the inputs of a run hold, in order, with the position of each thing in the corpus."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from keci.corpus.records import START, Cursor, Selection
from keci.documents import Document, Failure
from keci.errors import DataError
from keci.formats.read import read_source
from keci.formats.stream import ContentStream, Deletion, ReadOptions, Source

CITATIONS = frozenset(["pubmed", "medline"])
"""Formats whose ids are PMIDs."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something that was read from ``source``; ``after`` is the cursor behind it.

    A deletion is no record and moves no cursor. ``is_citation`` says that ids are PMIDs.
    """

    source: str
    content: Document | Failure | Deletion
    after: Cursor
    is_taken: bool
    is_citation: bool


class CorpusScan:
    """Reads the inputs; ``bytes_read`` is how much of them, as they are stored, has been at least.

    What lies in a buffer, which may be a whole small input, does not count before the next is read.
    ``formats`` has the format that each input was read as, ``left_out`` what readers passed over.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        input_format: str,
        options: ReadOptions,
        selection: Selection,
    ) -> None:
        self.sources, self.selection = sources, selection
        self._input_format, self._options = input_format, options
        self._states = [source.state() for source in sources]
        sizes = [state[0] for state in self._states if state]
        self.total_bytes = sum(sizes) if len(sizes) == len(sources) else None
        self._stream: ContentStream | None = None
        self._bytes_before = self._buffered_from = self._stored = 0
        self._is_citation = False
        self.formats: dict[str, str] = {}
        self.left_out: Counter[str] = Counter()

    @property
    def bytes_read(self) -> int:
        return self._bytes_before + self._buffered_from

    def read(self, start: Cursor = START) -> Iterator[Sighting]:
        """What lies behind ``start``, to the end or the selection's limit.

        Raises DataError at the end of an input that is not as it was when the scan was made.
        """
        limit, read, taken = self.selection.limit, start.read, start.taken
        self._bytes_before = self._buffered_from = self._stored = 0
        if taken == limit:
            return
        for number, source in enumerate(self.sources):
            position = 0
            for content in self._contents(number, start):
                self._note_buffer()
                is_record = not isinstance(content, Deletion)
                position += is_record
                if number == start.source and position <= start.position:
                    continue
                read += is_record
                is_taken = is_record and self._takes(source, position, read - 1)
                taken += is_taken
                after = Cursor(number, position, read, taken)
                yield Sighting(source.name, content, after, is_taken, self._is_citation)
                if taken == limit:
                    return
            self._end_input(number, start)

    def _takes(self, source: Source, position: int, ordinal: int) -> bool:
        return self.selection.reads(source.name, position) and self.selection.samples(ordinal)

    def _contents(self, number: int, start: Cursor) -> Iterator[Document | Failure | Deletion]:
        if number < start.source:
            return iter(())
        return read_source(
            self.sources[number],
            input_format=self._input_format,
            options=self._options,
            watch=partial(self._watch, self.sources[number].name),
        )

    def _note_buffer(self) -> None:
        """Whatever was stored before the latest buffer has been read by now."""
        if self._stream and self._stream.stored_size != self._stored:
            self._buffered_from, self._stored = self._stored, self._stream.stored_size

    def _end_input(self, number: int, start: Cursor) -> None:
        if self._stream:
            self.left_out.update(self._stream.left_out)
        self._stream = None
        self._buffered_from = self._stored = 0
        state = self._states[number]
        if number >= start.source and state != self.sources[number].state():
            name = self.sources[number].name
            raise DataError(f"the input {name} was changed while it was read")
        self._bytes_before += state[0] if state else 0

    def _watch(self, source: str, stream: ContentStream, format_name: str) -> None:
        self._stream = stream
        self._is_citation = format_name in CITATIONS
        self.formats[source] = format_name
