"""Records in, their results out, in order; a document that fails becomes a Failure in its place."""

import logging
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter

from keci.corpus.assembly import reassemble
from keci.corpus.records import Chunk, Record, Result, chunks
from keci.corpus.windows import TextUnit, WindowBudget, text_units
from keci.documents import Document, Extraction, Failure
from keci.knowledge.linker import ConceptMention
from keci.prediction import Predictor

_LOGGER = logging.getLogger(__name__)
OVERLAP_SHARE = 4
CHARACTERS_AT_ONCE = 100_000
"""What is tokenised and batched together; it bounds the memory that long documents take."""

_EXCERPT = 200
Link = Callable[[str, str], tuple[ConceptMention, ...]]


@dataclass(frozen=True, slots=True)
class _Cut:
    document: Document
    units: tuple[TextUnit, ...]


class CorpusExtractor:
    """Runs a predictor over documents of any length, cut into units that fit its encoder."""

    def __init__(self, predictor: Predictor, *, unit: str, link: Link | None = None) -> None:
        """``unit`` "sentence" reads each sentence alone, "document" as much as fits at once.

        ``link`` finds the concept mentions of a document's id and text; the predictor's own linker
        does where it is None.
        """
        self.link = link or (lambda _, text: predictor.builder.link(text))
        pieces = predictor.builder.max_tokens
        self.predictor = predictor
        self.unit = unit
        self.budget = WindowBudget(
            pieces, pieces // OVERLAP_SHARE, predictor.builder.tokenizer.count_pieces
        )

    def __call__(self, records: Iterable[Record]) -> Iterator[Chunk]:
        """One result for each record, in order, a chunk at a time.

        What a chunk holds depends on the order of the records alone, and its results on nothing
        but its own documents.
        """
        for chunk in chunks(records, lambda record: record.characters):
            yield self._extract_chunk(chunk)

    def _extract_chunk(self, chunk: Sequence[Record]) -> Chunk:
        documents = [record.content for record in chunk if isinstance(record.content, Document)]
        try:
            extracted = iter(self._extract(documents))
        except Exception:  # one document must not end a run of hours: find it, keep the others
            _LOGGER.debug("a chunk failed, its documents are tried alone", exc_info=True)
            return [Result(record, self._extract_alone(record)) for record in chunk]
        return [
            Result(
                record, record.content if isinstance(record.content, Failure) else next(extracted)
            )
            for record in chunk
        ]

    def _extract_alone(self, record: Record) -> Extraction | Failure:
        document = record.content
        if isinstance(document, Failure):
            return document
        try:
            (extraction,) = self._extract([document])
        except Exception as error:  # whatever it is, it belongs to this document
            _LOGGER.debug("document %r failed", document.id, exc_info=True)
            reason = f"{type(error).__name__}: {error}"
            excerpt = document.text[:_EXCERPT]
            return Failure(record.source, record.position, document.id, reason, excerpt)
        return extraction

    def _extract(self, documents: Sequence[Document]) -> list[Extraction]:
        cuts = [
            _Cut(document, text_units(document, unit=self.unit, budget=self.budget))
            for document in documents
        ]
        units = [
            Document(f"{cut.document.id}#{number}", unit.text)
            for cut in cuts
            for number, unit in enumerate(cut.units)
        ]
        linked = [mentions for cut in cuts for mentions in self._link(cut)]
        found = (
            extraction
            for window in _windows(units)
            for extraction in self._predict(units[window], linked[window])
        )
        return [
            reassemble(cut.document, cut.units, list(islice(found, len(cut.units)))) for cut in cuts
        ]

    def _predict(
        self, units: Sequence[Document], linked: Sequence[tuple[ConceptMention, ...]]
    ) -> list[Extraction]:
        return self.predictor.predict(self.predictor.builder.prepare(units, linked))

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


def _windows(units: Sequence[Document]) -> Iterator[slice]:
    """The units in groups of about CHARACTERS_AT_ONCE."""
    start = total = 0
    for place, unit in enumerate(units, start=1):
        total += len(unit.text)
        if total >= CHARACTERS_AT_ONCE or place == len(units):
            yield slice(start, place)
            start, total = place, 0
