"""Link prediction on held-out triples: filtered mean reciprocal rank and Hits@k."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

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
