"""Knowledge-graph embedding: link-prediction scorers and the sparse optimiser.

Both scorers compare a *query*, made of one end and the relation, with candidates for the other end.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Protocol

import torch
from torch import Tensor

from keci.knowledge.vectors.settings import TRANSE

_FIRST_DEVIATION = 0.03
_TINY = 1e-10


class Scorer(Protocol):
    """Scores of triples, split so that many candidates share a query."""

    def tail_query(self, heads: Tensor, relations: Tensor) -> Tensor: ...

    def head_query(self, tails: Tensor, relations: Tensor) -> Tensor: ...

    def pairs(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """Shapes: (..., width) twice -> (...)."""

    def matrix(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """Shapes: (..., queries, width), (..., candidates, width) -> (..., queries, candidates)."""


class TransE:
    """Minus the squared Euclidean distance of head + relation and tail (Bordes et al. 2013)."""

    def tail_query(self, heads: Tensor, relations: Tensor) -> Tensor:
        return heads + relations

    def head_query(self, tails: Tensor, relations: Tensor) -> Tensor:
        return tails - relations

    def pairs(self, queries: Tensor, candidates: Tensor) -> Tensor:
        return -(queries - candidates).square().sum(-1)

    def matrix(self, queries: Tensor, candidates: Tensor) -> Tensor:
        squares = queries.square().sum(-1)[..., :, None] + candidates.square().sum(-1)[..., None, :]
        products = queries @ candidates.transpose(-1, -2)
        return 2 * products - squares


class DistMult:
    """The sum of head * relation * tail (Yang et al. 2015)."""

    def tail_query(self, heads: Tensor, relations: Tensor) -> Tensor:
        return heads * relations

    def head_query(self, tails: Tensor, relations: Tensor) -> Tensor:
        return tails * relations

    def pairs(self, queries: Tensor, candidates: Tensor) -> Tensor:
        return (queries * candidates).sum(-1)

    def matrix(self, queries: Tensor, candidates: Tensor) -> Tensor:
        return queries @ candidates.transpose(-1, -2)


def scorer_for(method: str) -> Scorer:
    return TransE() if method == TRANSE else DistMult()


class RowTable:
    """Rows of parameters, of which a step reads and updates a few: Adagrad, one sum per row."""

    def __init__(self, values: Tensor, squares: Tensor) -> None:
        """``values`` (rows, width) and their ``squares`` so far (rows,) are updated in place."""
        self.values = values
        self.squares = squares

    @classmethod
    def random(cls, rows: int, width: int, generator: torch.Generator) -> "RowTable":
        values = torch.empty(rows, width).normal_(0, _FIRST_DEVIATION, generator=generator)
        return cls(values, torch.zeros(rows))

    def read(self, rows: Tensor) -> Tensor:
        """A copy of rows (n,), (n, width), that collects a gradient."""
        return self.values.index_select(0, rows).requires_grad_()

    def update(self, rows: Tensor, read: Tensor, *, learning_rate: float) -> None:
        """Move the distinct ``rows`` (n,) against the gradient of ``read`` (n, width)."""
        gradient = read.grad
        assert gradient is not None
        squares = self.squares.index_select(0, rows) + gradient.square().mean(1)
        self.squares.index_copy_(0, rows, squares)
        step = gradient * (-learning_rate / (squares + _TINY).sqrt())[:, None]
        self.values.index_add_(0, rows, step)


_SCORES_AT_ONCE = 2**25


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well the true end of held-out triples is ranked; all but ``queries`` are shares.

    Filtered: candidates that make another true triple do not count. A tie counts half.
    """

    queries: int
    mrr: float
    hits_at_1: float
    hits_at_10: float

    @classmethod
    def of(cls, ranks: Tensor) -> "Ranking":
        if not len(ranks):
            return cls(0, 0.0, 0.0, 0.0)
        shares = (ranks.reciprocal(), (ranks < 2).double(), (ranks < 11).double())
        return cls(len(ranks), *(round(float(share.mean()), 4) for share in shares))

    def to_record(self) -> dict[str, float]:
        return asdict(self)


def rank_answers(
    queries: Tensor,
    answers: Tensor,
    candidates: Tensor,
    *,
    score: Callable[[Tensor, Tensor], Tensor],
    known: Iterable[Tensor],
) -> Tensor:
    """The filtered ranks (n,), from 1, of the answers among the candidates.

    Shapes: queries (n, width), answers (n,) as rows of candidates (m, width); ``known`` gives for
    each query the rows that are true, and ``score`` maps (a, width), (m, width) to (a, m).
    """
    known_rows = iter(known)
    size = max(1, _SCORES_AT_ONCE // max(1, len(candidates)))
    ranks = [torch.zeros(0, dtype=torch.float64)]
    for block, block_answers in zip(
        torch.split(queries, size), torch.split(answers, size), strict=True
    ):
        scores = score(block, candidates)
        rows = torch.arange(len(block), device=scores.device)
        right = scores[rows, block_answers][:, None]
        for row in range(len(block)):
            scores[row, next(known_rows).to(scores.device)] = -torch.inf
        better, equal = (scores > right).sum(1), (scores == right).sum(1)
        ranks.append((1 + better + 0.5 * equal).double().cpu())
    return torch.cat(ranks)
