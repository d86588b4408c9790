import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.evaluation.tally import MacroScore, Score, Tally, f1_of


def test_scores_are_percentages():
    score = Score(tp=3, fp=1, fn=2)
    assert score.to_record() == {
        "tp": 3,
        "fp": 1,
        "fn": 2,
        "precision": 75.0,
        "recall": 60.0,
        "f1": pytest.approx(2 * 75 * 60 / 135),
    }


@pytest.mark.parametrize("score", [Score(0, 0, 0), Score(0, 5, 0), Score(0, 0, 5), MacroScore(())])
def test_an_undefined_score_is_zero(score):
    assert (score.precision, score.recall, score.f1) == (0, 0, 0)


def test_macro_f1_is_the_mean_of_f1_and_no_counts_are_told():
    score = MacroScore((Score(1, 0, 0), Score(1, 1, 3)))
    assert score.to_record() == {
        "precision": 75.0,
        "recall": 62.5,
        "f1": pytest.approx((100 + 100 / 3) / 2),
    }


def test_a_tally_sums_over_documents_and_labels():
    counts = np.array([[[1, 0, 1], [0, 2, 0], [0, 0, 0]], [[1, 1, 0], [3, 0, 1], [0, 0, 0]]])
    tally = Tally(("a", "b", "unused"), counts)
    assert tally.score() == Score(5, 3, 2)
    assert tally.by_label() == {"a": Score(2, 1, 1), "b": Score(3, 2, 1)}


def test_a_macro_tally_leaves_out_what_never_occurs():
    counts = np.array([[[2, 0, 0], [0, 1, 0], [0, 0, 0]]])
    score = Tally(("a", "b", "unused"), counts, macro=True).score()
    assert score == MacroScore((Score(2, 0, 0), Score(0, 1, 0)))
    assert score.f1 == 50


@given(
    counts=st.lists(
        st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=2, max_size=2), max_size=4
    ),
    macro=st.booleans(),
)
def test_many_f1_at_once_equal_single_scores(counts, macro):
    tally = Tally(("a", "b"), np.array(counts, np.int64).reshape(-1, 2, 3), macro=macro)
    totals = tally.counts.sum(axis=0).astype(float)
    assert f1_of(np.stack([totals] * 2), macro=macro) == pytest.approx([tally.score().f1] * 2)
