import pytest

from keci.documents import Extraction, Mention, Relation
from keci.export.validation import largest_change

TEXT = "rash after abc"


def reading(score: float, relation: float | None = 0.5) -> Extraction:
    mentions = (
        Mention("T1", 0, 4, "rash", "effect", score),
        Mention("T2", 11, 14, "abc", "drug", 0.9),
    )
    relations = () if relation is None else (Relation("R1", "T1", "T2", "caused-by", relation),)
    return Extraction("d", TEXT, mentions, relations)


def test_equal_readings_do_not_differ() -> None:
    assert largest_change([reading(0.7)] * 2, [reading(0.7)] * 2) == 0
    assert largest_change([], []) == 0


def test_the_largest_difference_of_a_score_counts() -> None:
    some, others = [reading(0.7), reading(0.7)], [reading(0.75), reading(0.7, 0.3)]
    assert largest_change(some, others) == pytest.approx(0.2)


def test_what_only_one_reading_has_counts_as_one() -> None:
    assert largest_change([reading(0.7)], [reading(0.7, None)]) == 1
    assert largest_change([Extraction("d", TEXT)], [reading(0.7)]) == 1
