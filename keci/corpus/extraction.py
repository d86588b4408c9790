"""Records in, their results out, in order; a document that fails becomes a Failure there."""

import ctypes
import functools
import logging
import sys
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter

from keci.assertion.marking import marked
from keci.corpus.assembly import reassemble
from keci.corpus.identifiers import in_vocabularies
from keci.corpus.records import (
    Chunk,
    Record,
    Result,
    Withdrawal,
    chunks,
    documents_of,
    results_of,
)
from keci.documents import Document, Extraction, Failure
from keci.filters import Filter
from keci.formats.limits import refused_document
from keci.knowledge.linking.linker import ConceptMention
from keci.knowledge.meaning import Meanings
from keci.prediction import Pending, Predictor
from keci.text.windows import OVERLAP_SHARE, TextUnit, WindowBudget, text_units

_LOGGER = logging.getLogger(__name__)
CHUNKS_AHEAD = 2
"""Chunks that are read while an earlier one is waited for; it bounds memory."""

CHUNKS_BETWEEN_TRIMS = 8
"""After so many chunks free memory is given back to the system."""

CHARACTERS_AT_ONCE = 100_000
"""What is tokenised and batched together; it bounds the memory that long documents take."""

Link = Callable[[str, str], tuple[ConceptMention, ...]]


@dataclass(frozen=True, slots=True)
class _Cut:
    document: Document
    units: tuple[TextUnit, ...]


@dataclass(frozen=True, slots=True)
class _Begun:
    """Documents whose units are being read."""

    cuts: Sequence[_Cut]
    groups: Sequence[Pending]
    overlaps: Collection[tuple[str, str]] | None
    keep: Filter
    meanings: Meanings | None
    vocabularies: Sequence[str]

    def extractions(self) -> Iterator[Extraction]:
        """Waits for the extraction of each document, in order; raises what a stage raised."""
        found = [extraction for group in self.groups for extraction in group.extractions()]
        units = iter(found)
        for cut in self.cuts:
            inside = list(islice(units, len(cut.units)))
            whole = reassemble(cut.document, cut.units, inside, self.overlaps)
            kept = self.keep(marked(whole))
            if self.meanings:
                kept = self.meanings.ordered(kept)
            yield in_vocabularies(kept, self.vocabularies)

    def cancel(self) -> None:
        for group in self.groups:
            group.cancel()


class CorpusExtractor:
    """Runs a predictor over documents of any length, cut into units that fit its encoder."""

    def __init__(
        self,
        predictor: Predictor,
        *,
        unit: str,
        link: Link | None = None,
        keep: Filter | None = None,
        meanings: Meanings | None = None,
        vocabularies: Sequence[str] = (),
    ) -> None:
        """``unit`` "sentence" reads each sentence alone, "document" as much as fits at once.

        ``link`` finds the concept mentions of a document's id and text; the predictor's own linker
        does where it is None. ``keep`` tells which findings are kept; None keeps all. ``meanings``
        orders the concepts of mentions; None keeps the order in which they were found.
        ``vocabularies`` are those that concepts are named by, best first.
        """
        self.keep = keep or Filter()
        self.meanings = meanings
        self.vocabularies = vocabularies
        self.link = link or (lambda _, text: predictor.builder.link(text))
        pieces = predictor.builder.most_tokens
        self.predictor = predictor
        self.chunks_ahead = CHUNKS_AHEAD if predictor.workers else 0
        self._waiting: deque[tuple[Sequence[Record], _Begun | None]] = deque()
        self.unit = unit
        self.budget = WindowBudget(
            pieces, pieces // OVERLAP_SHARE, predictor.builder.tokenizer.count_pieces
        )

    def __call__(self, records: Iterable[Record]) -> Iterator[Chunk]:
        """One result for each record, in order, a chunk at a time.

        What a chunk holds depends on the order of the records alone.
        """
        return self.each(chunks(records, lambda record: record))

    def each(
        self, given: Iterable[Sequence[Record]], is_at_hand: Callable[[], bool] = lambda: True
    ) -> Iterator[Chunk]:
        """The results of chunks, which depend on nothing but a chunk's own documents.

        Where the predictor has workers, they read a chunk while the next ones are cut, linked and
        tokenised here, and the one before is written. ``is_at_hand`` says whether there is a next
        one to be had without waiting: if not, what was begun is finished first.
        """
        waiting = self._waiting = deque()
        try:
            for number, chunk in enumerate(given, start=1):
                if number % CHUNKS_BETWEEN_TRIMS == 0:
                    give_back()
                waiting.append((chunk, self._begin_chunk(chunk)))
                while len(waiting) > self.chunks_ahead or (waiting and not is_at_hand()):
                    yield self._finish_chunk(*waiting.popleft())
            while waiting:
                yield self._finish_chunk(*waiting.popleft())
        finally:
            for _, begun in waiting:
                if begun:
                    begun.cancel()

    @property
    def records_waiting(self) -> int:
        """Records that were read, and are being linked or extracted."""
        return sum(len(chunk) for chunk, _ in self._waiting)

    def _begin_chunk(self, chunk: Sequence[Record]) -> _Begun | None:
        """None where a document cannot be cut, linked or tokenised."""
        try:
            return self._begin(documents_of(chunk))
        except Exception:  # one document must not end a run of hours: find it, keep the others
            _LOGGER.debug("a chunk failed, its documents are tried alone", exc_info=True)
            return None

    def _finish_chunk(self, chunk: Sequence[Record], begun: _Begun | None) -> Chunk:
        try:
            extracted = list(begun.extractions()) if begun else None
        except Exception:  # as above
            _LOGGER.debug("a chunk failed, its documents are tried alone", exc_info=True)
            extracted = None
        if extracted is None:
            return [Result(record, self._extract_alone(record)) for record in chunk]
        return results_of(chunk, extracted)

    def _extract_alone(self, record: Record) -> Extraction | Failure | Withdrawal:
        document = record.content
        if not isinstance(document, Document):
            return document
        try:
            (extraction,) = self._begin([document]).extractions()
        except Exception as error:  # whatever it is, it belongs to this document
            _LOGGER.debug("document %r failed", document.id, exc_info=True)
            reason = f"{type(error).__name__}: {error}"
            return refused_document(document, record.source, record.position, reason)
        return extraction

    def _begin(self, documents: Sequence[Document]) -> _Begun:
        cuts = [
            _Cut(document, text_units(document.text, unit=self.unit, budget=self.budget))
            for document in documents
        ]
        units = [
            Document(f"{cut.document.id}#{number}", unit.text)
            for cut in cuts
            for number, unit in enumerate(cut.units)
        ]
        linked = [mentions for cut in cuts for mentions in self._link(cut)]
        prepare, begin = self.predictor.builder.prepare, self.predictor.begin
        groups = [begin(prepare(units[part], linked[part])) for part in _groups(units)]
        overlaps = self.predictor.schema.overlaps
        return _Begun(cuts, groups, overlaps, self.keep, self.meanings, self.vocabularies)

    def _link(self, cut: _Cut) -> list[tuple[ConceptMention, ...]]:
        """The concept mentions of each unit, found in the whole document.

        An abbreviation that one sentence explains is thereby understood in all others.
        """
        mentions = self.link(cut.document.id, cut.document.text)
        return [_inside(unit, mentions) for unit in cut.units]


def _inside(unit: TextUnit, mentions: Sequence[ConceptMention]) -> tuple[ConceptMention, ...]:
    """The mentions that lie in a unit, with offsets into its text."""
    end = unit.start + len(unit.text)
    first = bisect_left(mentions, unit.start, key=attrgetter("start"))
    past = bisect_left(mentions, end, key=attrgetter("start"))
    return tuple(
        ConceptMention(mention.start - unit.start, mention.end - unit.start, mention.concepts)
        for mention in mentions[first:past]
        if mention.end <= end
    )


def _groups(units: Sequence[Document]) -> Iterator[slice]:
    """The units in groups of about CHARACTERS_AT_ONCE."""
    start = total = 0
    for end, unit in enumerate(units, start=1):
        total += len(unit.text)
        if total >= CHARACTERS_AT_ONCE or end == len(units):
            yield slice(start, end)
            start, total = end, 0


def give_back() -> None:
    """Return to the system what glibc holds free between blocks in use; takes milliseconds.

    Batches of ever new sizes leave gaps there, by which a process would grow for hours.
    """
    trim = find_trim()
    if trim:
        trim(0)


@functools.cache
def find_trim() -> Callable[[int], object] | None:
    """Glibc's ``malloc_trim``; None on systems with another C library."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
