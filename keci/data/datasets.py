"""Annotated data from files, in any of the layouts."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from keci.data import biored, biorelex, spert
from keci.data.concepts import concept_interactions
from keci.data.files import check_distinct, read_each
from keci.data.gold import (
    GoldDataset,
    GoldDocument,
    Interaction,
    entity_interactions,
    warn_of_unknown_types,
)
from keci.data.layouts import Layout, read_records
from keci.data.readers import TEXT_LAYOUTS, read_text
from keci.documents import Extraction, Mention
from keci.errors import DataError
from keci.schema import TaskSchema

__all__ = [
    "GoldDataset",
    "GoldDocument",
    "Interaction",
    "load_dataset",
    "off_boundary_mentions",
]

_LOGGER = logging.getLogger(__name__)
_SHOWN = 5


def load_dataset(path: Path, schema: TaskSchema) -> GoldDataset:
    """Read annotated documents (see ``read_dataset``) for a task.

    Types that the schema lacks are kept and reported in the log.
    """
    dataset = read_dataset(path, schema)
    warn_of_unknown_types(path, schema, [document.extraction for document in dataset.documents])
    return dataset


def read_dataset(path: Path, schema: TaskSchema) -> GoldDataset:
    """Read annotated documents, in whichever of the layouts the file or folder has.

    What was left out or taken otherwise is told in the log. Raises DataError, with the file and the
    record's ordinal, where a record is not what its layout promises or repeats an id, and where
    most mentions would be left out.
    """
    layout, records = read_records(path)
    if not records:
        raise DataError(f"{path} holds no records")
    read: Callable[[Any, int], GoldDocument]
    if layout in TEXT_LAYOUTS:
        read = _TextReader(layout, schema).read
    else:
        read = {
            Layout.KECI: lambda record, _: gold_document(Extraction.from_record(record), schema),
            Layout.BIORELEX: lambda record, _: biorelex.read_sentence(record),
            Layout.SPERT: _read_spert,
        }[layout]
    documents = tuple(read_each(path, records, read))
    check_distinct(path, [document.id for document in documents])
    dataset = GoldDataset(schema, documents, layout)
    _report(path, dataset)
    return dataset


def gold_dataset(extractions: Iterable[Extraction], schema: TaskSchema) -> GoldDataset:
    """Annotated documents that are in memory; raises DataError where two have one id."""
    documents = tuple(gold_document(extraction, schema) for extraction in extractions)
    seen: set[str] = set()
    for document in documents:
        if document.id in seen:
            raise DataError(f"two annotated documents have the id {document.id!r}")
        seen.add(document.id)
    return GoldDataset(schema, documents)


class _TextReader:
    """Reads texts with mentions and relations of these."""

    def __init__(self, layout: Layout, schema: TaskSchema) -> None:
        self._layout, self._schema = layout, schema

    def read(self, record: Any, number: int) -> GoldDocument:
        document = biored.read_document(read_text(self._layout, record, number), self._schema)
        if self._layout is Layout.DYGIE:
            return replace(document, split_key=str(record["doc_key"]))
        return document


def off_boundary_mentions(
    dataset: GoldDataset, find_words: Callable[[str], tuple[Iterable[int], Iterable[int]]]
) -> tuple[tuple[str, Mention], ...]:
    """The mentions that begin or end inside a word, each with its document's id.

    ``find_words`` gives the starts and the ends of a text's words. A model that reads whole words
    cannot find such mentions; they stay in the data, count in scoring and are told in the log.
    """
    found: list[tuple[str, Mention]] = []
    for document in dataset.documents:
        starts, ends = map(frozenset, find_words(document.extraction.text))
        found += [
            (document.id, mention)
            for mention in document.extraction.mentions
            if mention.start not in starts or mention.end not in ends
        ]
    if found:
        total = sum(len(document.extraction.mentions) for document in dataset.documents)
        shown = [f"{mention.text!r} in {document_id}" for document_id, mention in found[:_SHOWN]]
        message = "%d of %d mentions begin or end inside a word: %s"
        _LOGGER.warning(message, len(found), total, ", ".join(shown))
    return tuple(found)


def gold_document(extraction: Extraction, schema: TaskSchema) -> GoldDocument:
    """An extraction taken as annotated, its interactions made of its relations."""
    interactions = concept_interactions if schema.metric == "biored" else entity_interactions
    return GoldDocument(extraction, interactions(extraction), extraction.id)


def _read_spert(record: Any, number: int) -> GoldDocument:
    extraction = spert.read_sentence(record, spert.sentence_id(record) or str(number))
    return GoldDocument(extraction, entity_interactions(extraction), extraction.id)


def _report(path: Path, dataset: GoldDataset) -> None:
    _report_remarks(path, dataset)
    unlike = [
        f"{mention.text!r} in {document.id}"
        for document in dataset.documents
        for mention in document.extraction.mentions
        if document.extraction.text[mention.start : mention.end] != mention.text
    ]
    if unlike:
        message = "%s: %d mentions are named unlike the text they cover: %s"
        _LOGGER.warning(message, path, len(unlike), ", ".join(unlike[:_SHOWN]))


def _report_remarks(path: Path, dataset: GoldDataset) -> None:
    """Tell what the reader left out; raise DataError where that is most of the mentions."""
    remarks = [remark for document in dataset.documents for remark in document.remarks]
    by_reason: dict[tuple[str, str], list[str]] = defaultdict(list)
    for remark in remarks:
        by_reason[remark.reason, remark.lost].append(remark.example)
    for (reason, lost), examples in by_reason.items():
        what = "left out" if lost else "kept"
        message = "%s: %d %s (%s): %s"
        shown = ", ".join(examples[:_SHOWN])
        _LOGGER.warning(message, path, len(examples), reason, what, shown)
    lost_mentions = [remark for remark in remarks if remark.lost == "mention"]
    kept = sum(len(document.extraction.mentions) for document in dataset.documents)
    if len(lost_mentions) > kept:
        first = lost_mentions[0]
        raise DataError(
            f"{path}, read as {dataset.layout}: {len(lost_mentions)} of "
            f"{kept + len(lost_mentions)} {first.reason}: {first.example}"
        )
