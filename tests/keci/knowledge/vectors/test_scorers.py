import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from keci.knowledge.vectors.scorers import RowTable, scorer_for
from keci.knowledge.vectors.settings import METHODS


@pytest.mark.parametrize("method", METHODS)
def test_pairs_and_matrix_agree(method: str) -> None:
    scorer = scorer_for(method)
    generator = torch.Generator().manual_seed(1)
    queries, candidates = (torch.randn(2, size, 5, generator=generator) for size in (3, 4))
    matrix = scorer.matrix(queries, candidates)
    for query in range(3):
        for candidate in range(4):
            single = scorer.pairs(queries[:, query], candidates[:, candidate])
            torch.testing.assert_close(matrix[:, query, candidate], single)


@pytest.mark.parametrize("method", METHODS)
def test_both_queries_score_the_same_triple(method: str) -> None:
    scorer = scorer_for(method)
    heads, relations, tails = torch.randn(3, 7, 5, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        scorer.pairs(scorer.tail_query(heads, relations), tails),
        scorer.pairs(scorer.head_query(tails, relations), heads),
    )


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), unique=True, min_size=1))
def test_rows_move_as_adagrad_moves_them_and_others_stay(rows: list[int]) -> None:
    start = torch.randn(5, 1, generator=torch.Generator().manual_seed(1))
    table = RowTable(start.clone(), torch.zeros(5))
    plain = start[rows].clone().requires_grad_()
    optimiser = torch.optim.Adagrad([plain], lr=0.1)
    for _ in range(3):
        read = table.read(torch.tensor(rows))
        read.square().sum().backward()
        table.update(torch.tensor(rows), read, learning_rate=0.1)
        optimiser.zero_grad()
        plain.square().sum().backward()
        optimiser.step()
    torch.testing.assert_close(table.values[rows], plain.detach())
    others = [row for row in range(5) if row not in rows]
    torch.testing.assert_close(table.values[others], start[others])
