"""The initial span graph: span states, entity scores, pruning, pairs, relation scores (Eq 1-3)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from keci.config import ModelConfig
from keci.model.layers import FeedForward, HiddenToOutput, apply_mask, part
from keci.model.ragged import row_of_each
from keci.stages import TorchStage
from keci.text.spans import POOLING_BLOCK


class SpanScores(NamedTuple):
    span_states: Tensor
    entity_logits: Tensor


class SpanScorer(TorchStage):
    """Span representations (Eq 1) and their entity scores (Eq 2)."""

    band: Tensor

    autocasts = True

    def __init__(self, config: ModelConfig, *, encoder_width: int, entity_labels: int) -> None:
        super().__init__()
        hidden = config.hidden_width
        self.start_part = part(encoder_width, hidden, bias=True)
        self.end_part = part(encoder_width, hidden)
        self.pooled_part = part(encoder_width, hidden)
        self.length_part = part(config.length_width, hidden)
        self.lengths = nn.Embedding(config.max_span_pieces, config.length_width)
        self.attention = nn.Linear(encoder_width, 1)
        self.span_output = HiddenToOutput(hidden, config.span_width, dropout=config.dropout)
        self.classifier = FeedForward(
            config.span_width, hidden, entity_labels, dropout=config.dropout
        )
        self.max_pieces = config.max_span_pieces
        self.register_buffer("band", _pooling_band(config.max_span_pieces), persistent=False)

    def forward(
        self,
        token_states: Tensor,
        pooling_starts: Tensor,
        pooling_slots: Tensor,
        span_starts: Tensor,
        span_ends: Tensor,
    ) -> SpanScores:
        """Shapes: (tokens, encoder_width), (blocks,), (tokens,), (spans,), (spans,) ->
        (spans, d), (spans, labels).
        """
        lengths = span_ends - span_starts - 1
        rows = pooling_slots.index_select(0, span_starts) * self.max_pieces + lengths
        pooled = self._pool(token_states, pooling_starts).index_select(0, rows)
        hidden = (
            self.start_part(token_states).index_select(0, span_starts)
            + self.end_part(token_states).index_select(0, span_ends - 1)
            + pooled
            + self.length_part(self.lengths.weight).index_select(0, lengths)
        )
        span_states = self.span_output(hidden)
        return SpanScores(span_states, self.classifier(span_states))

    def _pool(self, token_states: Tensor, pooling_starts: Tensor) -> Tensor:
        """Attention-weighted means of the projected tokens for every start and length.

        Row ``slot * L + length - 1`` of the result (blocks * POOLING_BLOCK * L, hidden) belongs to
        the span of ``length`` tokens from the token of ``slot``; rows that run over the last token
        are undefined. The starts of a block share one window of tokens, so the work is linear in
        the tokens.
        """
        tokens = token_states.shape[0]
        offsets = torch.arange(self.band.shape[1], device=token_states.device)
        window = (pooling_starts[:, None] + offsets).clamp(max=tokens - 1).flatten()
        shape = (pooling_starts.shape[0], len(offsets))
        scores = self.attention(token_states).index_select(0, window).unflatten(0, shape)
        projected = self.pooled_part(token_states).index_select(0, window).unflatten(0, shape)
        weights = apply_mask(scores.transpose(1, 2), self.band).softmax(2)
        pooled: Tensor = weights @ projected
        return pooled.flatten(0, 1)


def _pooling_band(max_pieces: int) -> Tensor:
    """Which tokens of a block's window each (start, length) covers: (block * L, block + L - 1)."""
    starts = torch.arange(POOLING_BLOCK)[:, None, None]
    ends = starts + torch.arange(1, max_pieces + 1)[None, :, None]
    places = torch.arange(POOLING_BLOCK + max_pieces - 1)
    return ((starts <= places) & (places < ends)).flatten(0, 1)


class Pruning(NamedTuple):
    kept_spans: Tensor
    kept_splits: Tensor
    kept_states: Tensor


class Pruner(TorchStage):
    """Keeps the ceil(lambda n) spans of each document that least look like non-entities."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.keep_ratio = config.keep_ratio

    def forward(
        self, span_states: Tensor, entity_logits: Tensor, span_splits: Tensor, token_splits: Tensor
    ) -> Pruning:
        """Shapes: (spans, d), (spans, labels), (documents+1,) twice -> (kept,), ..., (kept, d)."""
        spans = len(span_states)
        documents = row_of_each(span_splits, spans)
        non_entity = entity_logits.detach().float().log_softmax(1)[:, 0]
        order = non_entity.argsort(stable=True)
        order = order[documents[order].argsort(stable=True)]
        ranks = torch.arange(spans, device=order.device) - span_splits[documents]
        limits = (token_splits.diff() * self.keep_ratio).ceil().long()
        kept = order[ranks < limits[documents]].sort().values
        counts = torch.bincount(documents[kept], minlength=len(limits))
        splits = torch.cat((counts.new_zeros(1), counts.cumsum(0)))
        return Pruning(kept, splits, span_states.index_select(0, kept))


class Pairs(NamedTuple):
    pair_heads: Tensor
    pair_tails: Tensor


class PairBuilder(TorchStage):
    """All ordered pairs of different kept spans of one document, ascending."""

    def forward(self, kept_splits: Tensor) -> Pairs:
        """Shapes: (documents+1,) -> (pairs,), (pairs,)."""
        counts = kept_splits.diff()
        squares = counts * counts
        ends = squares.cumsum(0)
        documents = torch.repeat_interleave(squares)
        place = torch.arange(len(documents), device=counts.device) - (ends - squares)[documents]
        sizes, firsts = counts[documents], kept_splits[documents]
        heads, tails = firsts + place // sizes, firsts + place % sizes
        different = heads != tails
        return Pairs(heads[different], tails[different])


class RelationScores(NamedTuple):
    relation_logits: Tensor


class PairScorer(TorchStage):
    """Relation scores FFNN_r([s_i, s_j, s_i * s_j]) of span pairs (Eq 3)."""

    autocasts = True

    def __init__(self, config: ModelConfig, *, span_width: int, relation_labels: int) -> None:
        super().__init__()
        self.head_part = part(span_width, config.hidden_width, bias=True)
        self.tail_part = part(span_width, config.hidden_width)
        self.product_part = part(span_width, config.hidden_width)
        self.output = HiddenToOutput(config.hidden_width, relation_labels, dropout=config.dropout)

    def forward(
        self, kept_states: Tensor, pair_heads: Tensor, pair_tails: Tensor
    ) -> RelationScores:
        """Shapes: (kept, width), (pairs,), (pairs,) -> (pairs, labels)."""
        products = kept_states.index_select(0, pair_heads) * kept_states.index_select(0, pair_tails)
        hidden = (
            self.head_part(kept_states).index_select(0, pair_heads)
            + self.tail_part(kept_states).index_select(0, pair_tails)
            + self.product_part(products)
        )
        return RelationScores(self.output(hidden))
