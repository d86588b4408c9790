"""What lies between the two spans of a pair, and how they lie to each other.

Not in the paper; SpERT reads the context between two spans (Eberts and Ulges 2020).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from keci.config import ModelConfig
from keci.model.layers import part
from keci.stages import TorchStage

_GAPS = (1, 2, 3, 5, 9, 17, 33, 65)
"""Tokens between two spans at which the next class of distances begins."""
_NESTED = 2 * (len(_GAPS) + 1)
POSITION_COUNT = _NESTED + 3
"""Classes of positions: the head before the tail at each distance, after it at each, the head
inside the tail, around it, and both crossing."""


class PairContexts(NamedTuple):
    pair_contexts: Tensor
    pair_positions: Tensor


class PairContext(TorchStage):
    """The largest value of each feature of the tokens between two spans, 0 where there are none.

    Maxima hang neither on the order of the tokens nor on what else is in a batch.
    """

    gaps: Tensor

    def __init__(self, config: ModelConfig, *, encoder_width: int) -> None:
        super().__init__()
        self.features = nn.Linear(encoder_width, config.pair_context)
        self.register_buffer("gaps", torch.tensor(_GAPS), persistent=False)

    def forward(
        self,
        token_states: Tensor,
        span_starts: Tensor,
        span_ends: Tensor,
        kept_spans: Tensor,
        pair_heads: Tensor,
        pair_tails: Tensor,
    ) -> PairContexts:
        """What lies between the spans of each pair, and the class of how they lie.

        token_states - (tokens, encoder_width)
        span_starts - (spans,)
        span_ends - (spans,)
        kept_spans - (kept,)
        pair_heads - (pairs,)
        pair_tails - (pairs,)
        Returns pair_contexts (pairs, pair_context), pair_positions (pairs,)
        """
        starts, ends = span_starts[kept_spans], span_ends[kept_spans]
        head_starts, head_ends = starts[pair_heads], ends[pair_heads]
        tail_starts, tail_ends = starts[pair_tails], ends[pair_tails]
        features = self.features(token_states).relu()
        one_way = slice(None, None, 2)  # both directions of a pair have one context
        between = range_maxima(
            features,
            torch.minimum(head_ends, tail_ends)[one_way],
            torch.maximum(head_starts, tail_starts)[one_way],
        )
        gaps = torch.maximum(head_starts, tail_starts) - torch.minimum(head_ends, tail_ends)
        distances = torch.bucketize(gaps, self.gaps, right=True)
        apart = torch.where(head_starts < tail_starts, distances, distances + len(_GAPS) + 1)
        inside = (tail_starts <= head_starts) & (head_ends <= tail_ends)
        around = (head_starts <= tail_starts) & (tail_ends <= head_ends)
        overlapping = _NESTED + torch.where(inside, 0, torch.where(around, 1, 2))
        positions = torch.where(gaps >= 0, apart, overlapping)
        return PairContexts(between.repeat_interleave(2, 0), positions)


def range_maxima(values: Tensor, starts: Tensor, ends: Tensor) -> Tensor:
    """Maxima over the rows ``starts[i]:ends[i]`` of values that are at least 0, 0 where none are.

    values - (rows, width)
    starts - (ranges,)
    ends - (ranges,)
    Returns (ranges, width). Two ranges of a power of two rows cover any range, so that one table of
    them serves all.
    """
    lengths = (ends - starts).clamp(min=0)
    longest = int(lengths.max()) if len(lengths) else 0
    table, offsets = [values], [0]
    while 2 ** len(table) <= longest:
        last, step = table[-1], 2 ** (len(table) - 1)
        offsets.append(offsets[-1] + len(last))
        table.append(torch.maximum(last[:-step], last[step:]))
    rows = torch.cat(table)
    powers = torch.tensor([2**level for level in range(1, len(table))], device=values.device)
    levels = torch.bucketize(lengths, powers, right=True)
    firsts = torch.tensor(offsets, device=values.device)[levels]
    covers = torch.ones_like(levels) << levels
    is_empty = lengths == 0
    left = (firsts + starts).masked_fill(is_empty, 0)
    right = (firsts + ends - covers).masked_fill(is_empty, 0)
    maxima = torch.maximum(rows.index_select(0, left), rows.index_select(0, right))
    return maxima.masked_fill(is_empty[:, None], 0)


class PairFeatures(nn.Module):
    """The share of a pair scorer's first layer that reads context, position and types."""

    def __init__(self, config: ModelConfig, *, entity_labels: int = 0) -> None:
        """``entity_labels`` 0 reads no types."""
        super().__init__()
        hidden = config.hidden_width
        self.context_part = part(config.pair_context, hidden)
        self.positions = nn.Embedding(POSITION_COUNT, hidden)
        nn.init.zeros_(self.positions.weight)
        self.head_types = part(entity_labels, hidden) if entity_labels else None
        self.tail_types = part(entity_labels, hidden) if entity_labels else None

    def forward(
        self,
        contexts: Tensor,
        positions: Tensor,
        heads: Tensor,
        tails: Tensor,
        type_logits: Tensor | None = None,
    ) -> Tensor:
        """What the first layer adds for each pair, both directions side by side.

        contexts - (pairs, pair_context)
        positions - (pairs,)
        heads - (pairs,)
        tails - (pairs,)
        type_logits - (kept, labels)
        Returns (pairs / 2, 2, hidden)
        """
        between = self.context_part(contexts.view(-1, 2, contexts.shape[1])[:, 0])
        directed = self.positions(positions)
        if self.head_types is not None and self.tail_types is not None:
            assert type_logits is not None
            types = type_logits.detach().float().softmax(1)
            directed = directed + self.head_types(types).index_select(0, heads)
            directed = directed + self.tail_types(types).index_select(0, tails)
        hidden: Tensor = directed.view(-1, 2, directed.shape[1]) + between[:, None]
        return hidden
