"""Extractions as doccano imports them for sequence labelling with relations, one object a line.

Mentions are ``entities``, numbered from 1; relations are those that a text asserts. doccano numbers
its documents itself, so the id of the text is the field ``document_id``, which doccano keeps as
metadata and exports again. Offsets are code points.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

import orjson

from keci.documents import Extraction, Mention, Relation
from keci.errors import DataError
from keci.formats.jsonl import json_records
from keci.formats.stream import NO_LIMIT, content_of

DOCUMENT_ID = "document_id"


def write(extractions: Iterable[Extraction], file: BinaryIO) -> None:
    for extraction in extractions:
        file.write(orjson.dumps(_record(extraction), option=orjson.OPT_APPEND_NEWLINE))


def read(file: BinaryIO) -> Iterator[Extraction]:
    """The extractions of a file as KECI writes it, in any layout of JSON; else raises DataError.

    Corrected files are annotated data, which ``keci.data`` reads.
    """
    for _, record in json_records(content_of(file), NO_LIMIT):
        try:
            yield _extraction(orjson.loads(record)).checked()
        except (LookupError, TypeError, ValueError) as error:
            raise DataError(f"not a document of doccano as KECI writes it: {error}") from error


def _record(extraction: Extraction) -> dict[str, Any]:
    numbers = {mention.id: number for number, mention in enumerate(extraction.mentions, start=1)}
    present = [relation for relation in extraction.relations if relation.assertion == "present"]
    return {
        DOCUMENT_ID: extraction.id,
        "text": extraction.text,
        "entities": [
            {
                "id": numbers[mention.id],
                "start_offset": mention.start,
                "end_offset": mention.end,
                "label": mention.type,
            }
            for mention in extraction.mentions
        ],
        "relations": [
            {
                "id": number,
                "from_id": numbers[relation.head],
                "to_id": numbers[relation.tail],
                "type": relation.type,
            }
            for number, relation in enumerate(present, start=1)
        ],
    }


def _extraction(record: Mapping[str, Any]) -> Extraction:
    text = record["text"]
    mentions = tuple(
        Mention(
            f"T{item['id']}",
            item["start_offset"],
            item["end_offset"],
            text[item["start_offset"] : item["end_offset"]],
            item["label"],
        )
        for item in record["entities"]
    )
    relations = tuple(
        Relation(f"R{item['id']}", f"T{item['from_id']}", f"T{item['to_id']}", item["type"])
        for item in record["relations"]
    )
    return Extraction(record[DOCUMENT_ID], text, mentions, relations)
