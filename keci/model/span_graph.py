"""The initial span graph: span states, entity scores, pruning, pairs, relation scores (Eq 1-3)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from keci.config import ModelConfig
from keci.model.layers import Activation, FeedForward, HiddenToOutput, apply_mask, part
from keci.model.pair_context import PairFeatures
from keci.model.ragged import row_of_each
from keci.stages import TorchStage
from keci.text.name_kinds import kind_count
from keci.text.spans import POOLING_BLOCK


class SpanScores(NamedTuple):
    span_hidden: Tensor
    entity_logits: Tensor


class SpanScorer(TorchStage):
    """The hidden layers of FFNN_g, which span representations are made of (Eq 1), and the entity
    scores (Eq 2).

    The representations themselves are made of the few spans that pruning keeps; the scores do
    without them, since the output layer of FFNN_g and the first layer of FFNN_e are one linear map.
    """

    band: Tensor

    autocasts = True

    def __init__(
        self,
        config: ModelConfig,
        *,
        encoder_width: int,
        entity_labels: int,
        span_output: nn.Linear,
    ) -> None:
        """``span_output`` is the output layer of FFNN_g, whose owner is the pruner."""
        super().__init__()
        hidden = config.hidden_width
        self.start_part = part(encoder_width, hidden, bias=True)
        self.end_part = part(encoder_width, hidden)
        self.pooled_part = part(encoder_width, hidden)
        self.length_part = part(config.length_width, hidden)
        self.lengths = nn.Embedding(config.max_span_pieces, config.length_width)
        self.attention = nn.Linear(encoder_width, 1)
        self.activation = Activation(hidden, config)
        self._span_output = (span_output,)  # inside a tuple it is no parameter of this stage
        self.classifier = FeedForward(config.span_width, hidden, entity_labels, config)
        self.max_pieces = config.max_span_pieces
        self.register_buffer("band", _pooling_band(config.max_span_pieces), persistent=False)
        if config.name_kinds:  # read by NamedSpanScorer
            self.names = nn.Embedding(kind_count(len(config.semantic_types)), hidden)
            nn.init.zeros_(self.names.weight)

    def forward(
        self,
        token_states: Tensor,
        pooling_starts: Tensor,
        pooling_slots: Tensor,
        span_starts: Tensor,
        span_ends: Tensor,
    ) -> SpanScores:
        """Hidden states and scores of the candidate spans.

        token_states - (tokens, encoder_width)
        pooling_starts - (blocks,)
        pooling_slots - (tokens,)
        span_starts - (spans,)
        span_ends - (spans,)
        Returns span_hidden (spans, hidden), entity_logits (spans, labels)
        """
        return self._scores(
            self._hidden(token_states, pooling_starts, pooling_slots, span_starts, span_ends)
        )

    def _hidden(
        self,
        token_states: Tensor,
        pooling_starts: Tensor,
        pooling_slots: Tensor,
        span_starts: Tensor,
        span_ends: Tensor,
    ) -> Tensor:
        """What the first layer of FFNN_g makes of the spans, before it is activated."""
        lengths = span_ends - span_starts - 1
        rows = pooling_slots.index_select(0, span_starts) * self.max_pieces + lengths
        pooled = self._pool(token_states, pooling_starts).index_select(0, rows)
        hidden: Tensor = (
            self.start_part(token_states).index_select(0, span_starts)
            + self.end_part(token_states).index_select(0, span_ends - 1)
            + pooled
            + self.length_part(self.lengths.weight).index_select(0, lengths)
        )
        return hidden

    def _scores(self, hidden: Tensor) -> SpanScores:
        span_hidden = self.activation(hidden)
        return SpanScores(span_hidden, self._classify(span_hidden))

    def _classify(self, span_hidden: Tensor) -> Tensor:
        """FFNN_e(W h + b) of the hidden states h, where W and b are the ``span_output``."""
        (output,), (first, *others) = self._span_output, self.classifier
        assert isinstance(first, nn.Linear)
        weight = first.weight @ output.weight
        bias = first.weight @ output.bias + first.bias
        scores = nn.functional.linear(span_hidden, weight, bias)
        for layer in others:
            scores = layer(scores)
        return scores

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


class NamedSpanScorer(SpanScorer):
    """A SpanScorer that also reads what the knowledge base has names for (``span_names``)."""

    def forward(  # type: ignore[override]  # its parameters name a stage's inputs
        self,
        token_states: Tensor,
        pooling_starts: Tensor,
        pooling_slots: Tensor,
        span_starts: Tensor,
        span_ends: Tensor,
        span_names: Tensor,
    ) -> SpanScores:
        """Hidden states and scores of the candidate spans, with what names say.

        token_states - (tokens, encoder_width)
        pooling_starts - (blocks,)
        pooling_slots - (tokens,)
        span_starts - (spans,)
        span_ends - (spans,)
        span_names - (spans,)
        Returns span_hidden (spans, hidden), entity_logits (spans, labels)
        """
        hidden = self._hidden(token_states, pooling_starts, pooling_slots, span_starts, span_ends)
        return self._scores(hidden + self.names(span_names))


def _pooling_band(max_pieces: int) -> Tensor:
    """Which tokens of a block's window each (start, length) covers: (block * L, block + L - 1)."""
    starts = torch.arange(POOLING_BLOCK)[:, None, None]
    ends = starts + torch.arange(1, max_pieces + 1)[None, :, None]
    offsets = torch.arange(POOLING_BLOCK + max_pieces - 1)
    return ((starts <= offsets) & (offsets < ends)).flatten(0, 1)


class Pruning(NamedTuple):
    kept_spans: Tensor
    kept_splits: Tensor
    kept_states: Tensor


class Pruner(TorchStage):
    """Keeps the ceil(lambda n) spans of each document that least look like non-entities.

    Those get their representation s (Eq 1), by the output layer of FFNN_g.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.keep_ratio = config.keep_ratio
        self.span_output = nn.Linear(config.hidden_width, config.span_width)

    def forward(
        self, span_hidden: Tensor, entity_logits: Tensor, span_splits: Tensor, token_splits: Tensor
    ) -> Pruning:
        """The kept spans and their representations.

        span_hidden - (spans, hidden)
        entity_logits - (spans, labels)
        span_splits - (documents+1,)
        token_splits - (documents+1,)
        Returns kept_spans (kept,), kept_splits (documents+1,), kept_states (kept, d)
        """
        spans = len(span_hidden)
        documents = row_of_each(span_splits, spans)
        non_entity = entity_logits.detach().float().log_softmax(1)[:, 0]
        order = non_entity.argsort(stable=True)
        order = order[documents[order].argsort(stable=True)]
        ranks = torch.arange(spans, device=order.device) - span_splits[documents]
        limits = (token_splits.diff() * self.keep_ratio).ceil().long()
        kept = order[ranks < limits[documents]].sort().values
        counts = torch.bincount(documents[kept], minlength=len(limits))
        splits = torch.cat((counts.new_zeros(1), counts.cumsum(0)))
        return Pruning(kept, splits, self.span_output(span_hidden.index_select(0, kept)))


class Pairs(NamedTuple):
    pair_heads: Tensor
    pair_tails: Tensor


def _all_pairs(kept_splits: Tensor) -> Tensor:
    """The pairs i < j of kept spans of one document, ascending: (documents+1,) -> (pairs, 2)."""
    counts = kept_splits.diff()
    squares = counts * counts
    ends = squares.cumsum(0)
    documents = torch.repeat_interleave(squares)
    cell = torch.arange(len(documents), device=counts.device) - (ends - squares)[documents]
    sizes, firsts = counts[documents], kept_splits[documents]
    pairs = torch.stack((firsts + cell // sizes, firsts + cell % sizes), 1)
    return pairs[pairs[:, 0] < pairs[:, 1]]


def _both_ways(pairs: Tensor) -> Pairs:
    return Pairs(pairs.flatten(), pairs.flip(1).flatten())


class PairBuilder(TorchStage):
    """All ordered pairs of different kept spans of one document, (i, j) and (j, i) side by side.

    The pairs with i < j ascend.
    """

    def forward(self, kept_splits: Tensor) -> Pairs:
        """Heads and tails of all pairs.

        kept_splits - (documents+1,)
        Returns pair_heads (pairs,), pair_tails (pairs,)
        """
        return _both_ways(_all_pairs(kept_splits))


class NearPairBuilder(TorchStage):
    """Those of PairBuilder's pairs whose spans are at most ``reach`` sentences apart."""

    def __init__(self, reach: int) -> None:
        super().__init__()
        self.reach = reach

    def forward(self, kept_splits: Tensor, kept_spans: Tensor, span_sentences: Tensor) -> Pairs:
        """Heads and tails of the pairs within reach.

        kept_splits - (documents+1,)
        kept_spans - (kept,)
        span_sentences - (spans,)
        Returns pair_heads (pairs,), pair_tails (pairs,)
        """
        pairs = _all_pairs(kept_splits)
        first, second = span_sentences[kept_spans][pairs].unbind(1)
        return _both_ways(pairs[(first - second).abs() <= self.reach])


class RelationScores(NamedTuple):
    relation_logits: Tensor


class PairScorer(TorchStage):
    """Relation scores FFNN_r([s_i, s_j, s_i * s_j]) of span pairs (Eq 3).

    Pairs come as PairBuilder orders them, so that s_i * s_j is read once for both directions.
    """

    autocasts = True

    def __init__(self, config: ModelConfig, *, span_width: int, relation_labels: int) -> None:
        super().__init__()
        self.head_part = part(span_width, config.hidden_width, bias=True)
        self.tail_part = part(span_width, config.hidden_width)
        self.product_part = part(span_width, config.hidden_width)
        self.output = HiddenToOutput(config.hidden_width, relation_labels, config)

    def forward(
        self, kept_states: Tensor, pair_heads: Tensor, pair_tails: Tensor
    ) -> RelationScores:
        """Relation scores of the pairs.

        kept_states - (kept, width)
        pair_heads - (pairs,)
        pair_tails - (pairs,)
        Returns relation_logits (pairs, labels)
        """
        return self.scores(self.hidden(kept_states, pair_heads, pair_tails))

    def hidden(self, kept_states: Tensor, pair_heads: Tensor, pair_tails: Tensor) -> Tensor:
        """What the first layer makes of the pairs, before it is activated: (pairs/2, 2, hidden)."""
        first, second = pair_heads.view(-1, 2).unbind(1)
        products = kept_states.index_select(0, first) * kept_states.index_select(0, second)
        directed = self.head_part(kept_states).index_select(0, pair_heads) + self.tail_part(
            kept_states
        ).index_select(0, pair_tails)
        hidden: Tensor = directed.unflatten(0, (-1, 2)) + self.product_part(products)[:, None]
        return hidden

    def scores(self, hidden: Tensor) -> RelationScores:
        """Relation scores out of what ``hidden`` gives.

        hidden - (pairs / 2, 2, hidden)
        Returns relation_logits (pairs, labels)
        """
        return RelationScores(self.output(hidden).flatten(0, 1))


class ContextPairScorer(PairScorer):
    """A PairScorer that also reads what lies between two spans and how they lie."""

    def __init__(self, config: ModelConfig, *, span_width: int, relation_labels: int) -> None:
        super().__init__(config, span_width=span_width, relation_labels=relation_labels)
        self.features = PairFeatures(config)

    def forward(  # type: ignore[override]  # its parameters name a stage's inputs
        self,
        kept_states: Tensor,
        pair_heads: Tensor,
        pair_tails: Tensor,
        pair_contexts: Tensor,
        pair_positions: Tensor,
    ) -> RelationScores:
        """Relation scores of the pairs, with their context.

        kept_states - (kept, width)
        pair_heads - (pairs,)
        pair_tails - (pairs,)
        pair_contexts - (pairs, pair_context)
        pair_positions - (pairs,)
        Returns relation_logits (pairs, labels)
        """
        hidden = self.hidden(kept_states, pair_heads, pair_tails)
        return self.scores(
            hidden + self.features(pair_contexts, pair_positions, pair_heads, pair_tails)
        )
