from itertools import product

import numpy as np
import pytest

from keci.errors import DataError
from keci.schema import ADE
from keci.training.gold import GoldDataset, GoldDocument
from keci.training.scoring import Tally, evaluate
from keci.training.significance import compare, compare_tallies, confidence_interval
from tests.keci.training.annotations import annotate


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
    comparison = compare_tallies(tally(first), tally(second), resamples=20_000, seed=3)
    assert comparison.second_f1 - comparison.first_f1 == pytest.approx(observed)
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
    comparison = compare_tallies(tally(first), tally(second), resamples=20_000, seed=3)
    assert comparison.bootstrap_p == pytest.approx(np.mean(beyond), abs=0.03)


def test_the_same_predictions_do_not_differ():
    rows = tally([[1, 0, 1], [2, 1, 0], [0, 1, 1]])
    comparison = compare_tallies(rows, rows, resamples=500, seed=1)
    assert (comparison.bootstrap_p, comparison.randomisation_p) == (1, 1)
    assert comparison.difference.low == comparison.difference.high == 0


def test_a_clear_gain_is_significant():
    worse, better = tally([[1, 1, 1]] * 40), tally([[2, 0, 0]] * 40)
    comparison = compare_tallies(worse, better, resamples=2000, seed=1)
    assert comparison.randomisation_p < 0.01
    assert comparison.bootstrap_p < 0.01
    assert comparison.difference.low > 0


def test_macro_tallies_are_compared_over_all_labels_of_both():
    first = tally([[[1, 0, 0], [0, 1, 0]]] * 3, labels=("a", "odd"), macro=True)
    second = tally([[[1, 0, 0]]] * 3, labels=("a",), macro=True)
    comparison = compare_tallies(first, second, resamples=100, seed=1)
    assert (comparison.first_f1, comparison.second_f1) == (50, 100)
    assert comparison.first_f1 == first.score().f1
    assert comparison.second_f1 == second.score().f1


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
    figures = compare(evaluation(9, silent="0246"), evaluation(9), resamples=300, seed=1)
    assert list(figures) == ["entity", "relation", "strict entity", "strict relation"]
    assert figures["entity"].second_f1 == 100
    assert figures["relation"].bootstrap_p == 1
    assert set(figures["entity"].to_record()["difference"]) == {"low", "high"}


def test_what_cannot_be_compared_is_told():
    with pytest.raises(DataError, match="same documents"):
        compare(evaluation(3), evaluation(4), seed=1)
    with pytest.raises(DataError, match="no documents"):
        confidence_interval(tally([]), seed=1)
