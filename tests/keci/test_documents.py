from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import orjson
import pytest
from hypothesis import given

from keci.documents import Document, Extraction
from keci.errors import DataError
from tests.strategies import extractions

ENTITY = {"id": "T1", "start": 0, "end": 4, "text": "rash", "type": "effect"}
OTHER = {"id": "T2", "start": 11, "end": 15, "text": "drug", "type": "drug"}
RELATION = {"id": "R1", "head": "T1", "tail": "T2", "type": "caused-by"}


def record(**changes: Any) -> dict[str, Any]:
    whole = {
        "id": "d1",
        "text": "rash after drug",
        "entities": [ENTITY, OTHER],
        "relations": [RELATION],
    }
    return whole | changes


def without(item: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key != name}


@given(extractions())
def test_records_round_trip_through_json(extraction: Extraction) -> None:
    read = orjson.loads(orjson.dumps(extraction.to_record()))
    assert Extraction.from_record(read) == extraction


def test_absent_values_are_left_out() -> None:
    expected = deepcopy(record())
    for finding in (*expected["entities"], *expected["relations"]):
        finding["assertion"] = "present"  # always said, so that a reader can rely on it
    assert Extraction.from_record(record()).to_record() == expected


def test_what_a_text_says_of_a_finding_is_one_of_three() -> None:
    other = deepcopy(record())
    other["relations"][0]["assertion"] = "negated"
    assert Extraction.from_record(other).relations[0].assertion == "negated"
    other["entities"][0]["assertion"] = "absent"
    with pytest.raises(DataError, match="got 'absent'"):
        Extraction.from_record(other)


def test_a_text_alone_is_a_record() -> None:
    extraction = Extraction.from_record({"id": "d1", "text": ""})
    assert extraction.document == Document("d1", "")
    assert extraction.mentions == extraction.relations == ()


def test_the_text_of_a_mention_may_be_left_out() -> None:
    extraction = Extraction.from_record(record(entities=[without(ENTITY, "text"), OTHER]))
    assert extraction.mentions[0].text == "rash"


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (without(record(), "id"), "'id' is missing"),
        (without(record(), "text"), "'text' is missing"),
        (record(id=7), "'id' must be a string"),
        (record(text=None), "'text' must be a string"),
        (record(entities={}), "'entities' must be a list"),
        (record(entities=["T1"]), "expected an object"),
        (record(entities=[ENTITY, ENTITY]), "share one id"),
        (record(entities=[without(ENTITY, "start"), OTHER]), "'start' is missing"),
        (record(entities=[ENTITY | {"start": "0"}, OTHER]), "'start' must be an integer"),
        (record(entities=[ENTITY | {"end": True}, OTHER]), "'end' must be an integer"),
        (record(entities=[ENTITY | {"end": 0}, OTHER]), "outside"),
        (record(entities=[ENTITY | {"start": -1}, OTHER]), "outside"),
        (record(entities=[ENTITY, OTHER | {"end": 16}]), "outside"),
        (record(entities=[ENTITY | {"text": "Rash"}, OTHER]), "is not text"),
        (record(entities=[ENTITY | {"type": None}, OTHER]), "'type' must be a string"),
        (record(entities=[ENTITY | {"score": "high"}, OTHER]), "score"),
        (record(entities=[ENTITY | {"concepts": 3}, OTHER]), "concepts"),
        (record(entities=[ENTITY | {"concepts": [{"id": "X"}]}, OTHER]), "'name' is missing"),
        (record(entities=[ENTITY | {"context_weight": "x"}, OTHER]), "context_weight"),
        (record(entities=[ENTITY | {"group": 5}, OTHER]), "group"),
        (record(relations=None), "'relations' must be a list"),
        (record(relations=[3]), "expected an object"),
        (record(relations=[without(RELATION, "head")]), "'head' is missing"),
        (record(relations=[RELATION | {"tail": "T9"}]), "T9"),
        (record(relations=[RELATION | {"score": "1"}]), "score"),
        ([], "expected an object"),
        ("text", "expected an object"),
        (None, "expected an object"),
    ],
)
def test_a_record_that_breaks_its_promise_is_refused(bad: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Extraction.from_record(bad)
