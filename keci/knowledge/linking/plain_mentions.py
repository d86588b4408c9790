"""Concept mentions as plain JSON: what QuickUMLS, scispaCy and programs like them give.

A record is ``{"id": document, "mentions": [...]}``, one a line or all in an array. ``mentions`` may
also be called ``matches``, ``entities`` or ``ents``, and may hold lists of mentions that share a
place, as QuickUMLS does. A mention is a span (``start`` and ``end``, or ``start_char`` and
``end_char``; half-open characters), its text (``text`` or ``ngram``) and its concepts: ``cui`` with
``similarity`` or ``score``, or ``kb_ents``, pairs of an id and a score, or ``concepts``, each with
an ``id``, the best one first, as KECI itself writes them.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from keci.errors import DataError

LIST_FIELDS = ("mentions", "matches", "entities", "ents")
_STARTS, _ENDS = ("start", "start_char"), ("end", "end_char")
_SURFACES = ("ngram", "text")
_SCORES = ("similarity", "score")


class PlainMention(NamedTuple):
    """A concept that a record places in a document."""

    document: str
    cui: str
    start: int
    end: int
    score: float
    surface: str


def plain_records(content: bytes) -> list[Any] | None:
    """The records of plain JSON; None where the content is something else."""
    try:
        whole = orjson.loads(content)
        records = whole if isinstance(whole, list) else [whole]
    except orjson.JSONDecodeError:
        try:
            records = [orjson.loads(line) for line in content.split(b"\n") if line.strip()]
        except orjson.JSONDecodeError:
            return None
    is_plain = bool(records) and all(isinstance(record, dict) for record in records)
    return records if is_plain and any(map(_list_field, records)) else None


def plain_mentions(records: list[Any], path: Path) -> Iterator[PlainMention]:
    """The mentions of all records; raises DataError naming the record that is not as promised."""
    for number, record in enumerate(records, start=1):
        try:
            document, name = record["id"], _list_field(record)
            for item in _flat(record[name] if name else []):
                yield from _mentions(str(document), item)
        except (LookupError, TypeError, ValueError) as error:
            raise DataError(
                f"{path}, record {number}: expected an id and mentions with start, end and cui, "
                f"found {error!r}"
            ) from error


def _list_field(record: Mapping[str, Any]) -> str:
    return next((name for name in LIST_FIELDS if isinstance(record.get(name), list)), "")


def _flat(items: list[Any]) -> Iterator[Mapping[str, Any]]:
    for item in items:
        yield from _flat(item) if isinstance(item, list) else (item,)


def _mentions(document: str, item: Mapping[str, Any]) -> Iterator[PlainMention]:
    start, end = int(_first(item, _STARTS)), int(_first(item, _ENDS))
    surface = next((str(item[name]) for name in _SURFACES if item.get(name)), "")
    if "kb_ents" in item:
        found = [(str(cui), float(score)) for cui, score in item["kb_ents"]]
    elif "concepts" in item:
        found = [(str(each["id"]), -float(rank)) for rank, each in enumerate(item["concepts"])]
    else:
        score = next((float(item[name]) for name in _SCORES if item.get(name) is not None), 1.0)
        found = [(str(item["cui"]), score)]
    for cui, score in found:
        yield PlainMention(document, cui, start, end, score, surface)


def _first(item: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    found = next((name for name in names if name in item), names[0])
    return item[found]
