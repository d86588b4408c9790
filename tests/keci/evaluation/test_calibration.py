import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.documents import Extraction, Mention, Relation
from keci.evaluation.calibration import (
    Bin,
    calibration_of,
    judged_mentions,
    judged_relations,
)
from keci.schema import ADE, BIORELEX

TEXT = "Rash after amoxicillin and penicillin."


def mention(name: str, start: int, end: int, kind: str, score: float | None = None) -> Mention:
    return Mention(name, start, end, TEXT[start:end], kind, score=score)


RASH = mention("T1", 0, 4, "Adverse-Effect", 0.9)
DRUG = mention("T2", 11, 22, "Drug", 0.8)
OTHER = mention("T3", 27, 37, "Drug", 0.7)


def extraction(mentions: tuple[Mention, ...], *relations: Relation) -> Extraction:
    return Extraction("1", TEXT, mentions, relations)


def test_things_of_one_score_share_a_bin() -> None:
    found = calibration_of([(0.95, True), (0.91, False), (0.5, True), (1.0, True)])
    assert [(item.low, item.count) for item in found.bins] == [(0.5, 1), (0.9, 3)]
    assert found.bins[0] == Bin(0.5, 0.6, 1, 0.5, 1.0)
    assert found.bins[1].right == pytest.approx(2 / 3)
    assert found.error == pytest.approx((0.5 + abs(0.95 + 0.91 + 1.0 - 2)) / 4)


def test_nothing_found_has_no_bins_and_no_error() -> None:
    assert calibration_of([]).to_record() == {"error": 0, "bins": []}


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=50))
def test_every_score_is_in_a_bin_that_holds_it(judged: list[tuple[float, bool]]) -> None:
    found = calibration_of(judged)
    assert sum(item.count for item in found.bins) == len(judged)
    assert sum(item.count * item.right for item in found.bins) == pytest.approx(
        sum(right for _, right in judged)
    )
    assert all(item.low - 1e-9 <= item.mean_score <= item.high + 1e-9 for item in found.bins)
    assert 0 <= found.error <= 1


def test_a_mention_is_right_where_its_span_is_annotated_whatever_its_type() -> None:
    gold = extraction((mention("G1", 0, 4, "Drug"), mention("G2", 11, 21, "Drug")))
    judged = judged_mentions([(gold, extraction((RASH, DRUG))), (gold, None)])
    assert list(judged) == [(0.9, True), (0.8, False)]


def test_mentions_without_a_score_are_left_out() -> None:
    gold = extraction((RASH,))
    assert not list(judged_mentions([(gold, extraction((mention("T1", 0, 4, "Drug"),)))]))


def test_a_relation_is_right_by_type_spans_and_direction() -> None:
    gold = extraction((RASH, DRUG, OTHER), Relation("R1", "T1", "T2", "Adverse-Effect"))
    found = extraction(
        (RASH, DRUG, OTHER),
        Relation("R1", "T1", "T2", "Adverse-Effect", score=0.8),
        Relation("R2", "T1", "T3", "Adverse-Effect", score=0.6),
        Relation("R3", "T2", "T1", "Adverse-Effect", score=0.4),
    )
    judged = list(judged_relations(ADE, [(gold, found)]))
    assert judged == [(0.8, True), (0.6, False), (0.4, False)]


def test_a_symmetric_relation_has_no_direction() -> None:
    gold = extraction((DRUG, OTHER), Relation("R1", "T2", "T3", "bind"))
    found = extraction((DRUG, OTHER), Relation("R1", "T3", "T2", "bind", score=0.8))
    assert list(judged_relations(BIORELEX, [(gold, found)])) == [(0.8, True)]
