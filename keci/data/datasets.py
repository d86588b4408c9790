"""Annotated data from files: BioRelEx json, SpERT json, BioRED, KECI jsonl."""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from keci.data import biored, biorelex, spert
from keci.data.concepts import concept_interactions
from keci.data.files import Format, check_distinct, read_each, read_records
from keci.data.gold import (
    GoldDataset,
    GoldDocument,
    Interaction,
    entity_interactions,
    warn_of_unknown_types,
)
from keci.documents import Extraction, Mention
from keci.errors import DataError
from keci.formats.bioc import read_document
from keci.formats.pubtator import read_block
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
    """Read annotated documents, in whichever of the formats the file is.

    Types that the schema lacks are kept and reported in the log. Raises DataError, with the file
    and the record's ordinal, where a record is not what its format promises or repeats an id.
    """
    layout, records = read_records(path)
    if not records:
        raise DataError(f"{path} holds no records")
    readers: dict[Format, Callable[[Any, int], GoldDocument]] = {
        Format.KECI: lambda record, _: _read_keci(record, schema),
        Format.BIORELEX: lambda record, _: biorelex.read_sentence(record),
        Format.SPERT: _read_spert,
        Format.PUBTATOR: lambda block, _: biored.read_document(read_block(block), schema),
        Format.BIOC: lambda record, _: biored.read_document(read_document(record), schema),
    }
    documents = tuple(read_each(path, records, readers[layout]))
    check_distinct(path, [document.id for document in documents])
    dataset = GoldDataset(schema, documents)
    _report(path, dataset)
    return dataset


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


def _read_keci(record: Any, schema: TaskSchema) -> GoldDocument:
    extraction = Extraction.from_record(record)
    interactions = concept_interactions if schema.metric == "biored" else entity_interactions
    return GoldDocument(extraction, interactions(extraction), extraction.id)


def _read_spert(record: Any, number: int) -> GoldDocument:
    extraction = spert.read_sentence(record, spert.sentence_id(record) or str(number))
    return GoldDocument(extraction, entity_interactions(extraction), extraction.id)


def _report(path: Path, dataset: GoldDataset) -> None:
    extractions = [document.extraction for document in dataset.documents]
    warn_of_unknown_types(path, dataset.schema, extractions)
    unlike = [
        f"{mention.text!r} in {document.id}"
        for document in dataset.documents
        for mention in document.extraction.mentions
        if document.extraction.text[mention.start : mention.end] != mention.text
    ]
    if unlike:
        message = "%s: %d mentions are named unlike the text they cover: %s"
        _LOGGER.warning(message, path, len(unlike), ", ".join(unlike[:_SHOWN]))
