"""Small annotated documents and files for the tests of data and scoring."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from keci.documents import Extraction, Mention, Relation

SHARED_DATA = Path(__file__).parents[3].parent / "shared" / "data"


def shared_file(name: str) -> Path:
    path = SHARED_DATA / name
    if not path.is_file():
        pytest.skip(f"development data are not there: {name}")
    return path


def write_json(path: Path, records: Sequence[Any]) -> Path:
    path.write_bytes(orjson.dumps(records))
    return path


def write_jsonl(path: Path, records: Sequence[Any]) -> Path:
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
    return path


def annotate(
    text: str,
    mentions: Sequence[tuple[int, int, str]],
    relations: Sequence[tuple[int, int, str]] = (),
    *,
    document_id: str = "d1",
    groups: Sequence[str] = (),
) -> Extraction:
    """An extraction; relations name their mentions by position, ``groups`` go with mentions."""
    return Extraction(
        document_id,
        text,
        tuple(
            Mention(
                f"T{place}", start, end, text[start:end], label,
                group=groups[place] if groups else None,
            )
            for place, (start, end, label) in enumerate(mentions)
        ),
        tuple(
            Relation(f"R{place}", f"T{head}", f"T{tail}", label)
            for place, (head, tail, label) in enumerate(relations)
        ),
    )  # fmt: skip


def entity(label: str, **names: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """A BioRelEx entity; a name without mentions is not mentioned."""
    return {
        "label": label,
        "is_mentioned": True,
        "names": {
            name: {"is_mentioned": bool(spans), "mentions": [list(span) for span in spans]}
            for name, spans in names.items()
        },
    }


def sentence(
    text: str,
    entities: Sequence[dict[str, Any]],
    interactions: Sequence[tuple[int, int, int]],
    *,
    sentence_id: str = "s1",
    paper_id: str = "p1",
) -> dict[str, Any]:
    """A BioRelEx sentence; interactions are (entity, entity, label)."""
    return {
        "id": sentence_id,
        "paperid": paper_id,
        "text": text,
        "entities": list(entities),
        "interactions": [
            {"participants": [head, tail], "type": "bind", "implicit": False, "label": label}
            for head, tail, label in interactions
        ],
    }
