from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.documents import ASSERTIONS, Extraction, Mention, Relation
from keci.errors import UsageError
from keci.filters import Filter
from keci.schema import ADE
from tests.strategies import extractions

SCORES = st.floats(0, 1)
FILTERS = st.builds(
    Filter,
    SCORES,
    SCORES,
    assertions=st.lists(st.sampled_from(ASSERTIONS), max_size=2).map(tuple),
)

EXAMPLE = Extraction(
    "d",
    "rash fever abc",
    (
        Mention("T1", 0, 4, "rash", "Adverse-Effect", 0.6),
        Mention("T2", 5, 10, "fever", "Adverse-Effect", 0.9, assertion="negated"),
        Mention("T3", 11, 14, "abc", "Drug", 0.99),
    ),
    (
        Relation("R1", "T1", "T3", "Adverse-Effect", 0.8),
        Relation("R2", "T2", "T3", "Adverse-Effect", 0.7, "negated"),
    ),
)


def kept(chosen: Filter) -> tuple[list[str], list[tuple[str, str]]]:
    found = chosen(EXAMPLE)
    texts = {mention.id: mention.text for mention in found.mentions}
    assert list(texts) == [f"T{number}" for number in range(1, len(texts) + 1)]
    return list(texts.values()), [(texts[item.head], texts[item.tail]) for item in found.relations]


@pytest.mark.parametrize(
    ("chosen", "mentions", "relations"),
    [
        (Filter(), ["rash", "fever", "abc"], [("rash", "abc"), ("fever", "abc")]),
        (Filter(min_entity_score=0.7), ["fever", "abc"], [("fever", "abc")]),
        (Filter(min_relation_score=0.75), ["rash", "fever", "abc"], [("rash", "abc")]),
        (Filter(types=("Drug",)), ["abc"], []),
        (Filter(relations=("other",)), ["rash", "fever", "abc"], []),
        (Filter(assertions=("present",)), ["rash", "abc"], [("rash", "abc")]),
        (Filter(assertions=("negated",)), ["fever"], []),
    ],
)
def test_what_is_asked_for_is_kept(
    chosen: Filter, mentions: list[str], relations: list[tuple[str, str]]
) -> None:
    assert kept(chosen) == (mentions, relations)


@given(FILTERS)
def test_a_filter_survives_json(chosen: Filter) -> None:
    assert Filter.from_record(orjson.loads(orjson.dumps(chosen.to_record()))) == chosen


@given(extractions(), FILTERS)
def test_what_is_kept_is_a_record_and_is_kept_again(given: Extraction, chosen: Filter) -> None:
    distinct = replace(
        given,
        relations=tuple(
            replace(item, id=f"R{number}") for number, item in enumerate(given.relations, 1)
        ),
    )
    found = chosen(distinct)
    assert Extraction.from_record(found.to_record()) == found
    assert chosen(found) == found


def test_what_has_no_score_is_kept() -> None:
    gold = Extraction("d", "abc", (Mention("T1", 0, 3, "abc", "Drug"),))
    assert Filter(min_entity_score=1.0)(gold) == gold


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (Filter(types=("Gene",)), "unknown entity type 'Gene'; known are Adverse-Effect, Drug"),
        (Filter(relations=("bind",)), "unknown relation type 'bind'; known are Adverse-Effect"),
    ],
)
def test_types_that_a_task_lacks_are_refused(chosen: Filter, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        chosen.check(ADE)


def test_scores_and_assertions_are_checked_at_once() -> None:
    with pytest.raises(UsageError, match="between 0 and 1, got 2"):
        Filter(min_entity_score=2)
    with pytest.raises(UsageError, match="unknown assertion 'absent'; known are present"):
        Filter(assertions=("absent",))
