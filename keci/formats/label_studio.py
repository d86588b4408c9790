"""Extractions as tasks of Label Studio, with predictions that a person corrects.

A task's prediction has a region for each mention and a relation for each one that a text asserts.
What else is known of a mention stands in the region's note (``meta``): its assertion, where it is
not "present", and its first concept. A prediction's score is the extraction's certainty, so that
Label Studio can show the doubtful tasks first. Offsets are code points, as Label Studio has them
since version 1.4. The array has one task a line.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO, cast

import orjson

from keci.certainty import certainty, score_of
from keci.documents import ASSERTIONS, Assertion, ConceptLink, Extraction, Mention, Relation
from keci.errors import DataError
from keci.formats.json import frame_objects
from keci.formats.stream import NO_LIMIT, content_of

LABELS, TEXT = "label", "text"
"""What the labelling interface calls its ``<Labels>`` and ``<Text>``."""

_CONCEPT_WEIGHT = 1.0


def write(extractions: Iterable[Extraction], file: BinaryIO) -> None:
    before = b"[\n"
    for extraction in extractions:
        file.write(before + orjson.dumps(_task(extraction)))
        before = b",\n"
    file.write((b"[" if before == b"[\n" else b"") + b"\n]\n")


def read(file: BinaryIO) -> Iterator[Extraction]:
    """The extractions of a file as KECI writes it, in any layout of JSON; else raises DataError.

    Corrected files are annotated data, which ``keci.data`` reads.
    """
    stream = content_of(file)
    if not stream.content_head.lstrip().startswith(b"["):
        raise DataError("not a file of Label Studio's tasks")
    for task in frame_objects(stream, depth=1, limit=NO_LIMIT):
        try:
            yield _extraction(orjson.loads(task)).checked()
        except (LookupError, TypeError, ValueError) as error:
            raise DataError(f"not Label Studio's tasks as KECI writes them: {error}") from error


def _task(extraction: Extraction) -> dict[str, Any]:
    present = tuple(item for item in extraction.relations if item.assertion == "present")
    findings = [_region(mention) for mention in extraction.mentions]
    findings += [
        {
            "type": "relation",
            "from_id": relation.head,
            "to_id": relation.tail,
            "direction": "right",
            "labels": [relation.type],
            **_scored(relation),
        }
        for relation in present
    ]
    prediction = {
        "model_version": "keci",
        "score": certainty(replace(extraction, relations=present)),
        "result": findings,
    }
    return {
        "data": {"id": extraction.id, TEXT: extraction.text},
        "predictions": [prediction],
    }


def _region(mention: Mention) -> dict[str, Any]:
    notes: list[str] = [mention.assertion] if mention.assertion != "present" else []
    best = mention.concept
    notes += [f"{best.id} {best.name}"] if best else []
    return {
        "id": mention.id,
        "from_name": LABELS,
        "to_name": TEXT,
        "type": "labels",
        "value": {
            "start": mention.start,
            "end": mention.end,
            "text": mention.text,
            "labels": [mention.type],
        },
        **_scored(mention),
        **({"meta": {"text": notes}} if notes else {}),
    }


def _scored(found: Mention | Relation) -> dict[str, float]:
    score = score_of(found)
    return {} if score is None else {"score": score}


def _extraction(task: Mapping[str, Any]) -> Extraction:
    data, results = task["data"], task["predictions"][0]["result"]
    mentions = tuple(_mention(item) for item in results if item["type"] == "labels")
    links = [item for item in results if item["type"] == "relation"]
    relations = tuple(
        Relation(f"R{number}", item["from_id"], item["to_id"], item["labels"][0], item.get("score"))
        for number, item in enumerate(links, start=1)
    )
    return Extraction(data["id"], data[TEXT], mentions, relations)


def _mention(region: Mapping[str, Any]) -> Mention:
    value, notes = region["value"], list(region.get("meta", {}).get("text", ()))
    said = cast(Assertion, notes.pop(0)) if notes and notes[0] in ASSERTIONS else "present"
    concept = notes[0].partition(" ") if notes else None
    return Mention(
        region["id"],
        value["start"],
        value["end"],
        value["text"],
        value["labels"][0],
        region.get("score"),
        (ConceptLink(concept[0], concept[2], (), _CONCEPT_WEIGHT),) if concept else (),
        assertion=said,
    )
