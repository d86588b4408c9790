import pytest
import torch

from keci.knowledge.vectors import scorers as embedding_ranking
from keci.knowledge.vectors.scorers import Ranking, rank_answers, scorer_for


def ranks(known: list[list[int]]) -> list[float]:
    """The ranks of candidate 0 for the queries 1 and -1, where candidates score 1, 3, 2, 1, 0."""
    return rank_answers(
        torch.tensor([[1.0], [-1.0]]),
        torch.tensor([0, 0]),
        torch.tensor([[1.0], [3.0], [2.0], [1.0], [0.0]]),
        score=scorer_for("distmult").matrix,
        known=[torch.tensor(rows, dtype=torch.int64) for rows in known],
    ).tolist()


def test_ranks_count_better_candidates_and_half_of_the_equal_ones() -> None:
    assert ranks([[0], [0]]) == [3.5, 2.5]


def test_other_true_answers_do_not_count() -> None:
    assert ranks([[0, 1, 3], [0, 4]]) == [2.0, 1.5]


def test_blocks_do_not_change_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ranks([[0, 1], [0]])
    monkeypatch.setattr(embedding_ranking, "_SCORES_AT_ONCE", 5)
    assert ranks([[0, 1], [0]]) == whole


def test_measures_of_ranks() -> None:
    ranking = Ranking.of(torch.tensor([1.0, 2.0, 10.0, 20.0]))
    assert ranking == Ranking(4, round((1 + 0.5 + 0.1 + 0.05) / 4, 4), 0.25, 0.75)
    assert Ranking.of(torch.zeros(0)).queries == 0
