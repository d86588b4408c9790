"""Predictions beside gold data."""

from collections import Counter
from dataclasses import replace

import pytest

from keci.documents import Extraction, Mention, Relation
from keci.errors import DataError
from keci.view.comparison import compare
from tests.keci.view.conftest import an_extraction

TEXT = "abc binds abd and abe"


def mention(name: str, start: int, kind: str = "protein") -> Mention:
    return Mention(name, start, start + 3, TEXT[start : start + 3], kind)


def statuses(data: object, of: str) -> Counter[str]:
    record = data.to_record()  # type: ignore[attr-defined]
    return Counter(item["status"] for document in record["documents"] for item in document[of])


def test_gold_against_itself_is_all_right() -> None:
    data, found = compare([an_extraction()], [an_extraction()])
    assert statuses(data, "mentions") == {"right": 5}
    assert statuses(data, "relations") == {"right": 2}
    assert found.entities.table()["scores"][-1]["f1"] == 100


def test_a_document_without_prediction_is_missed() -> None:
    data, _ = compare([an_extraction()], [])
    assert statuses(data, "mentions") == {"missed": 5}
    assert statuses(data, "relations") == {"missed": 2}


def test_confusion_adds_up() -> None:
    gold = Extraction("d", TEXT, (mention("T1", 0), mention("T2", 10), mention("T3", 18)))
    predicted = Extraction(
        "d", TEXT, (mention("T1", 0, "gene"), mention("T7", 10), mention("T8", 4))
    )
    data, found = compare([gold], [predicted])
    assert statuses(data, "mentions") == {"mistyped": 1, "right": 1, "missed": 1, "spurious": 1}
    table = found.entities.table()
    assert table["labels"] == ["gene", "protein", "–"]
    assert table["rows"] == [[0, 0, 0], [1, 1, 1], [0, 1, 0]]
    every = table["scores"][-1]
    assert (every["gold"], every["predicted"]) == (3, 3)
    assert every["f1"] == pytest.approx(100 / 3)


def test_two_mentions_of_one_span_are_told_apart_by_type() -> None:
    gold = Extraction("d", TEXT, (mention("T1", 0, "gene"), mention("T2", 0, "protein")))
    predicted = Extraction("d", TEXT, (mention("T1", 0, "protein"),))
    data, _ = compare([gold], [predicted])
    assert statuses(data, "mentions") == {"right": 1, "missed": 1}


@pytest.mark.parametrize(("undirected", "expected"), [(True, "right"), (False, "missed")])
def test_a_turned_relation_is_right_where_there_is_no_direction(
    undirected: bool, expected: str
) -> None:
    mentions = (mention("T1", 0), mention("T2", 10))
    gold = Extraction("d", TEXT, mentions, (Relation("R1", "T1", "T2", "bind"),))
    turned = replace(gold, relations=(Relation("R1", "T2", "T1", "bind"),))
    names = frozenset({"bind"}) if undirected else frozenset()
    data, _ = compare([gold], [turned], undirected=names)
    assert statuses(data, "relations")[expected] == 1


def test_what_cannot_be_compared_is_refused() -> None:
    gold = Extraction("d", TEXT)
    with pytest.raises(DataError, match="two predictions"):
        compare([gold], [gold, gold])
    with pytest.raises(DataError, match="another text"):
        compare([gold], [replace(gold, text="abc")])
    with pytest.raises(DataError, match="no gold document"):
        compare([gold], [replace(gold, id="e")])


def test_a_span_that_gold_repeats_for_each_concept_counts_once() -> None:
    twice = (replace(mention("T1", 0), group="A"), replace(mention("T2", 0), group="B"))
    data, _ = compare([Extraction("d", TEXT, twice)], [Extraction("d", TEXT, (mention("T1", 0),))])
    assert statuses(data, "mentions") == {"right": 1}
