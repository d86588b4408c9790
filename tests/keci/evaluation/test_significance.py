from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.data.gold import GoldDataset, GoldDocument
from keci.errors import DataError
from keci.evaluation import Tally, evaluate
from keci.evaluation.significance import (
    Comparison,
    Interval,
    Side,
    compare,
    compare_tallies,
    confidence_interval,
    holm,
    named_tallies,
)
from keci.schema import ADE, BIORELEX
from tests.keci.data.annotations import annotate


def tally(rows, *, labels=("all",), macro=False):
    return Tally(labels, np.array(rows, np.int64).reshape(len(rows), len(labels), 3), macro=macro)


def test_an_interval_holds_the_score_and_narrows_with_more_documents():
    rows = [[1, 0, 1], [2, 1, 0], [0, 1, 1], [3, 0, 0]]
    few, many = tally(rows), tally(rows * 25)
    wide = confidence_interval(few, resamples=2000, seed=1)
    narrow = confidence_interval(many, resamples=2000, seed=1)
    f1 = few.score().f1
    assert wide.low < narrow.low < f1 < narrow.high < wide.high
    assert confidence_interval(few, resamples=2000, seed=1) == wide


def test_equal_documents_leave_no_doubt():
    interval = confidence_interval(tally([[1, 1, 1]] * 5), resamples=200, seed=1)
    assert interval.low == interval.high == pytest.approx(50)


def test_randomisation_equals_the_exact_test_over_all_swaps():
    first = [[1, 1, 0], [0, 1, 2], [2, 0, 1], [1, 0, 1], [0, 2, 1], [1, 1, 1]]
    second = [[1, 0, 0], [1, 1, 1], [2, 1, 1], [2, 0, 0], [1, 1, 0], [1, 0, 1]]

    def difference(swaps):
        sides = [
            (b, a) if swap else (a, b) for a, b, swap in zip(first, second, swaps, strict=True)
        ]
        one, two = (tally([pair[side] for pair in sides]).score().f1 for side in (0, 1))
        return two - one

    observed = difference([False] * 6)
    everything = [difference(swaps) for swaps in product([False, True], repeat=6)]
    exact = np.mean([abs(value) >= abs(observed) - 1e-9 for value in everything])
    comparison = compare_tallies([tally(first)], [tally(second)], resamples=20_000, seed=3)
    assert comparison.difference == pytest.approx(observed)
    assert comparison.randomisation_p == pytest.approx(exact, abs=0.02)


def test_the_bootstrap_equals_a_plain_loop():
    generator = np.random.default_rng(5)
    first, second = generator.integers(0, 4, size=(2, 12, 3))
    observed = tally(second).score().f1 - tally(first).score().f1
    beyond = []
    for _ in range(3000):
        drawn = generator.integers(12, size=12)
        change = tally(second[drawn]).score().f1 - tally(first[drawn]).score().f1
        beyond.append(abs(change - observed) >= abs(observed))
    comparison = compare_tallies([tally(first)], [tally(second)], resamples=20_000, seed=3)
    assert comparison.bootstrap_p == pytest.approx(np.mean(beyond), abs=0.03)


def test_the_same_predictions_do_not_differ():
    rows = tally([[1, 0, 1], [2, 1, 0], [0, 1, 1]])
    comparison = compare_tallies([rows], [rows], resamples=500, seed=1)
    assert (comparison.bootstrap_p, comparison.randomisation_p) == (1, 1)
    assert comparison.interval.low == comparison.interval.high == 0


def test_a_clear_gain_is_significant():
    worse, better = tally([[1, 1, 1]] * 40), tally([[2, 0, 0]] * 40)
    comparison = compare_tallies([worse], [better], resamples=2000, seed=1)
    assert comparison.randomisation_p < 0.01
    assert comparison.bootstrap_p < 0.01
    assert comparison.interval.low > 0


def test_macro_tallies_are_compared_over_all_labels_of_both():
    first = tally([[[1, 0, 0], [0, 1, 0]]] * 3, labels=("a", "odd"), macro=True)
    second = tally([[[1, 0, 0]]] * 3, labels=("a",), macro=True)
    comparison = compare_tallies([first], [second], resamples=100, seed=1)
    assert (comparison.baseline.f1, comparison.system.f1) == (50, 100)
    assert comparison.baseline.f1 == first.score().f1
    assert comparison.system.f1 == second.score().f1


def evaluation(num_documents, *, silent=()):
    documents = [
        annotate("x", [(0, 1, "Drug")], document_id=str(place)) for place in range(num_documents)
    ]
    gold = GoldDataset(ADE, tuple(GoldDocument(item, (), item.id) for item in documents))
    predictions = [
        annotate("x", [], document_id=item.id) if item.id in silent else item for item in documents
    ]
    return evaluate(gold, predictions)


def test_evaluations_are_compared_figure_by_figure():
    figures = compare([evaluation(9, silent="0246")], [evaluation(9)], resamples=300, seed=1)
    assert list(figures) == ["entity", "relation", "strict_entity", "strict_relation"]
    assert figures["entity"].system.f1 == 100
    assert figures["relation"].bootstrap_p == 1
    record = figures["entity"].to_record()
    assert set(record["difference"]) == {"f1", "low", "high"}
    assert record["baseline"]["deviation"] is None


def test_biorelex_is_compared_with_missing_documents_as_missed_too():
    document = annotate("Fos binds Jun", [(0, 3, "protein")])
    gold = GoldDataset(BIORELEX, (GoldDocument(document, (), "p"),))
    silent, right = evaluate(gold, []), evaluate(gold, [document])
    assert named_tallies(silent)["missing_as_false_negative_entity"].score().fn == 1
    assert "missing_as_false_negative_relation" in compare([silent], [right], resamples=10, seed=1)


ROWS = st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=4, max_size=4)


@given(st.lists(ROWS, min_size=1, max_size=3), st.lists(ROWS, min_size=1, max_size=3))
def test_several_runs_are_compared_by_their_mean(first, second):
    sides = [[tally(rows) for rows in runs] for runs in (first, second)]
    comparison = compare_tallies(*sides, resamples=50, seed=1)
    means = [np.mean([run.score().f1 for run in side]) for side in sides]
    assert comparison.difference == pytest.approx(means[1] - means[0])
    assert comparison.baseline.f1s == tuple(run.score().f1 for run in sides[0])
    assert comparison.to_record() == compare_tallies(*sides, resamples=50, seed=1).to_record()


def test_repeating_the_runs_of_a_side_changes_nothing_but_their_number():
    worse, better = tally([[1, 1, 1], [2, 0, 1]] * 9), tally([[2, 0, 1], [1, 1, 0]] * 9)
    once = compare_tallies([worse], [better], resamples=500, seed=1)
    often = compare_tallies([worse] * 2, [better] * 3, resamples=500, seed=1)
    assert often.interval.low == pytest.approx(once.interval.low)
    assert (often.bootstrap_p, often.randomisation_p) == (once.bootstrap_p, once.randomisation_p)
    assert (often.system.deviation, len(often.system.f1s)) == (0, 3)


@pytest.mark.parametrize(
    ("p_values", "mark"),
    [((0.01, 0.04), "*"), ((0.01, 0.06), "†"), ((0.04, 0.2), ""), ((0.05, 0.01), "†")],
)
def test_the_marks_of_the_paper_need_both_tests(p_values, mark):
    side = Side((50.0,))
    assert Comparison(side, side, Interval(0, 1), *p_values).mark == mark


def test_what_cannot_be_compared_is_told():
    with pytest.raises(DataError, match="same documents"):
        compare([evaluation(3)], [evaluation(4)], seed=1)
    with pytest.raises(DataError, match="at least one run"):
        compare([evaluation(3)], [], seed=1)
    with pytest.raises(DataError, match="no documents"):
        confidence_interval(tally([]), seed=1)
    with pytest.raises(DataError, match="no documents"):
        compare_tallies([tally([])], [tally([])], seed=1)


def test_several_runs_a_side_are_drawn_as_well() -> None:
    rows = [[1, 0, 1], [2, 1, 0], [0, 1, 1], [3, 0, 0]] * 25
    better = [[2, 0, 0], [2, 1, 0], [0, 1, 1], [3, 0, 0]] * 25
    once = compare_tallies([tally(rows)], [tally(better)], resamples=500, seed=1)
    assert once.with_runs is None
    equal = compare_tallies([tally(rows)] * 3, [tally(better)] * 2, resamples=500, seed=1)
    assert equal.with_runs is not None
    assert equal.with_runs.interval.low == pytest.approx(equal.interval.low)
    assert equal.interval == once.interval
    apart = compare_tallies(
        [tally(rows), tally(better), tally(rows)], [tally(better), tally(rows)],
        resamples=500, seed=1,
    )  # fmt: skip
    assert apart.with_runs is not None
    assert apart.with_runs.interval.low < apart.interval.low
    assert apart.with_runs.interval.high > apart.interval.high
    assert apart.p_value >= apart.with_runs.p_value > apart.bootstrap_p


def test_holm_corrects_as_published() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_what_the_step_down_test_rejects(p_values: list[float]) -> None:
    level = 0.05
    rejected = set()
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if (len(p_values) - rank) * p_values[place] > level:
            break
        rejected.add(place)
    assert {place for place, p in enumerate(holm(p_values)) if p <= level} == rejected
