"""Documents in, extractions out, in order; a document that fails becomes a Failure in its place."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from keci.corpus.assembly import reassemble
from keci.corpus.windows import TextUnit, WindowBudget, text_units
from keci.documents import Document, Extraction, Failure
from keci.prediction import Predictor

_LOGGER = logging.getLogger(__name__)
RECORDS_AT_ONCE = 64
OVERLAP_SHARE = 4
_EXCERPT = 200


@dataclass(frozen=True, slots=True)
class _Cut:
    document: Document
    units: tuple[TextUnit, ...]


class CorpusExtractor:
    """Runs a predictor over documents of any length, cut into units that fit its encoder."""

    def __init__(self, predictor: Predictor, *, unit: str) -> None:
        """``unit`` "sentence" reads each sentence alone, "document" as much as fits at once."""
        pieces = predictor.builder.max_tokens
        self.predictor = predictor
        self.unit = unit
        self.budget = WindowBudget(
            pieces, pieces // OVERLAP_SHARE, predictor.builder.tokenizer.count_pieces
        )

    def __call__(self, records: Iterable[Document | Failure]) -> Iterator[Extraction | Failure]:
        """One result for each record, in order; Failures among the records pass through."""
        remaining = iter(records)
        position = 0
        while chunk := list(islice(remaining, RECORDS_AT_ONCE)):
            yield from self._extract_chunk(chunk, position)
            position += len(chunk)

    def _extract_chunk(
        self, chunk: Sequence[Document | Failure], position: int
    ) -> list[Extraction | Failure]:
        documents = [record for record in chunk if isinstance(record, Document)]
        try:
            extracted: Iterator[Extraction | Failure] = iter(self._extract(documents))
        except Exception:  # one document must not end a run of hours: find it, keep the others
            _LOGGER.debug("a chunk failed, its documents are tried alone", exc_info=True)
            extracted = iter(self._extract_alone(chunk, position))
        return [next(extracted) if isinstance(item, Document) else item for item in chunk]

    def _extract_alone(
        self, chunk: Sequence[Document | Failure], position: int
    ) -> list[Extraction | Failure]:
        results: list[Extraction | Failure] = []
        for number, document in enumerate(chunk, start=position + 1):
            if not isinstance(document, Document):
                continue
            try:
                results += self._extract([document])
            except Exception as error:  # whatever it is, it belongs to this document
                _LOGGER.debug("document %r failed", document.id, exc_info=True)
                reason = f"{type(error).__name__}: {error}"
                excerpt = document.text[:_EXCERPT]
                results.append(Failure("documents", number, document.id, reason, excerpt))
        return results

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
        found = iter(self.predictor.predict(self.predictor.builder.prepare(units)))
        return [
            reassemble(cut.document, cut.units, list(islice(found, len(cut.units)))) for cut in cuts
        ]
