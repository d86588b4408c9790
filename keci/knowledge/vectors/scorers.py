"""Knowledge-graph embedding: settings, link-prediction scorers and the sparse optimiser.

Both scorers compare a *query*, made of one end and the relation, with candidates for the other end.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from keci.errors import ConfigError

TRANSE = "transe"
DISTMULT = "distmult"
METHODS = (TRANSE, DISTMULT)
_FIRST_DEVIATION = 0.03
_TINY = 1e-10


@dataclass(frozen=True, slots=True)
class EmbeddingSettings:
    """How vectors are trained on a knowledge base's triples.

    Triples come in batches of ``batch_size``; ``chunk_size`` of them share ``negatives`` random
    nodes, to which the chunk's other ends are added. The learning rate falls linearly to zero.
    ``held_out`` is the largest number of triples, of each kind, kept for the ranking.
    """

    method: str = TRANSE
    width: int = 64
    epochs: int = 10
    seed: int = 1
    batch_size: int = 4096
    chunk_size: int = 64
    negatives: int = 128
    learning_rate: float = 0.1
    held_out: int = 1000

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(f"method must be one of {', '.join(METHODS)}, got {self.method!r}")
        for name in ("width", "epochs", "batch_size", "chunk_size", "negatives"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.learning_rate <= 0 or self.held_out < 0:
            raise ConfigError("learning_rate must be above 0 and held_out at least 0")


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
