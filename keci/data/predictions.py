"""Predicted documents from files, in KECI's own layout or the task's."""

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from keci.data import biored, biorelex, spert
from keci.data.files import check_distinct, read_each
from keci.data.gold import GoldDataset, GoldDocument, warn_of_unknown_types
from keci.data.layouts import Layout, read_records
from keci.data.readers import read_text
from keci.documents import Extraction
from keci.errors import DataError
from keci.formats.fields import identifier
from keci.schema import TaskSchema


def load_predictions(
    path: Path, schema: TaskSchema, *, gold: GoldDataset | None = None
) -> tuple[Extraction, ...]:
    """Read predicted documents, in whichever of the formats the file is.

    ``gold`` supplies what prediction files leave out: the text of a BioRelEx sentence, and the id
    of a SpERT sentence, found by its text. Raises DataError as ``load_dataset`` does.
    """
    layout, records = read_records(path)
    documents = () if gold is None else gold.documents
    readers: dict[Layout, Callable[[Any, int], Extraction]] = {
        Layout.KECI: lambda record, _: Extraction.from_record(record),
        Layout.BIORELEX: _BiorelexPredictions(documents).read,
        Layout.SPERT: _SpertPredictions(documents).read,
    }
    texts = partial(_read_text, layout, schema)
    predictions = tuple(read_each(path, records, readers.get(layout, texts)))
    check_distinct(path, [prediction.id for prediction in predictions])
    warn_of_unknown_types(path, schema, predictions)
    return predictions


def _read_text(layout: Layout, schema: TaskSchema, record: Any, number: int) -> Extraction:
    return biored.read_predicted_document(read_text(layout, record, number), schema)


class _BiorelexPredictions:
    """Reads predicted sentences; the gold documents give the texts that are left out."""

    def __init__(self, documents: tuple[GoldDocument, ...]) -> None:
        self._texts = {document.id: document.extraction.text for document in documents}

    def read(self, record: Any, _: int) -> Extraction:
        known_text = self._texts.get(identifier(record, "id"))
        return biorelex.read_predicted_sentence(record, known_text)


class _SpertPredictions:
    """Reads predicted sentences; one without id is the next gold document with its text."""

    def __init__(self, documents: tuple[GoldDocument, ...]) -> None:
        self._ids: dict[str, deque[str]] = defaultdict(deque)
        for document in documents:
            self._ids[document.extraction.text].append(document.id)

    def read(self, record: Any, number: int) -> Extraction:
        given = spert.sentence_id(record)
        extraction = spert.read_sentence(record, given or str(number))
        if given is not None or not self._ids:
            return extraction
        candidates = self._ids[extraction.text]
        if not candidates:
            raise DataError(f"no gold sentence is left with the text {extraction.text[:60]!r}")
        return replace(extraction, id=candidates.popleft())
