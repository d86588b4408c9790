"""Knowledge attention and recontextualisation of token states (KnowBert, Peters et al. 2019).

The paper's baseline KnowBertAttention (Sec 3.1): concepts enter the token states, and one span
graph is read from them. Equation numbers are those of Peters et al.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from keci.config import ModelConfig
from keci.model.layers import FeedForward
from keci.model.ragged import PaddedAxis, row_of_each, segment_softmax
from keci.stages import TorchStage


class EnrichedTokens(NamedTuple):
    token_states: Tensor
    candidate_weights: Tensor
    span_context_weights: Tensor


class KnowledgeAttention(TorchStage):
    """Token states that have attended to the linked spans of their document and their concepts.

    Linked spans are the candidate spans with candidate concepts; a document without any keeps its
    token states.
    """

    def __init__(self, config: ModelConfig, *, encoder_width: int) -> None:
        super().__init__()
        width, hidden, heads = config.span_width, config.hidden_width, config.attention_heads
        self.project = nn.Linear(encoder_width, width)
        self.pooling = nn.Linear(width, 1, bias=False)
        self.span_norm = nn.LayerNorm(width)
        self.span_block = nn.TransformerEncoderLayer(
            width, heads, hidden, dropout=config.dropout, batch_first=True
        )
        self.concepts = ConceptAttention(config)
        self.knowledge_norm = nn.LayerNorm(width)
        self.token_attention = nn.MultiheadAttention(
            width, heads, dropout=config.dropout, batch_first=True
        )
        self.update = FeedForward(width, hidden, encoder_width, config)

    def forward(
        self,
        token_states: Tensor,
        token_splits: Tensor,
        span_starts: Tensor,
        span_ends: Tensor,
        span_splits: Tensor,
        concept_states: Tensor,
        candidate_spans: Tensor,
        candidate_nodes: Tensor,
    ) -> EnrichedTokens:
        """Enriched token states, and the shares of candidates and sentinels.

        token_states - (tokens, encoder_width)
        token_splits - (documents+1,)
        span_starts - (spans,)
        span_ends - (spans,)
        span_splits - (documents+1,)
        concept_states - (nodes, d)
        candidate_spans - (candidates,)
        candidate_nodes - (candidates,)
        Returns token_states (tokens, encoder_width), candidate_weights (candidates,),
        span_context_weights (spans,)
        """
        linked, rows = torch.unique(candidate_spans, return_inverse=True)
        axis = PaddedAxis(torch.searchsorted(linked, span_splits), len(linked))
        projected = self.project(token_states)
        states = self._pool(projected, span_starts[linked], span_ends[linked])
        block = self.span_block(axis.pad(states), src_key_padding_mask=axis.padding)
        states = axis.unpad(block)
        knowledge, shares, sentinels = self.concepts(states, concept_states, rows, candidate_nodes)
        states = self.knowledge_norm(states + knowledge)
        tokens = PaddedAxis(token_splits, len(token_states))
        update = self.update(self._attend(projected, tokens, states, axis))
        reached = axis.counts.index_select(0, tokens.rows)[:, None] > 0
        context = sentinels.new_ones(len(span_starts)).index_copy(0, linked, sentinels)
        return EnrichedTokens(token_states + update.where(reached, 0.0), shares, context)

    def _pool(self, projected: Tensor, starts: Tensor, ends: Tensor) -> Tensor:
        """Attention-weighted means of tokens: (tokens, d), (linked,) twice -> (linked, d)."""
        splits = functional.pad((ends - starts).cumsum(0), (1, 0))
        size = int(splits[-1])
        rows = row_of_each(splits, size)
        offsets = torch.arange(size, device=rows.device) - splits[rows]
        inside = projected.index_select(0, starts[rows] + offsets)
        shares = segment_softmax(self.pooling(inside).squeeze(1), rows, len(starts))
        pooled = projected.new_zeros(len(starts), projected.shape[1])
        normalised: Tensor = self.span_norm(pooled.index_add(0, rows, shares[:, None] * inside))
        return normalised

    def _attend(
        self, projected: Tensor, tokens: PaddedAxis, states: Tensor, spans: PaddedAxis
    ) -> Tensor:
        """Eq 5: what each token takes from its document's spans, (tokens, d)."""
        keys = spans.pad(states)
        attended, _ = self.token_attention(
            tokens.pad(projected), keys, keys, key_padding_mask=spans.padding, need_weights=False
        )
        return tokens.unpad(attended)


class ConceptAttention(nn.Module):
    """A span's mean over its candidate concepts and a learned sentinel (Eq 1 to 3).

    The prior of a candidate is one over its rank with the entity linker, that of the sentinel 0.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.span_width
        self.sentinel = nn.Parameter(torch.randn(width) * width**-0.5)
        self.norm = nn.LayerNorm(width)
        self.score = FeedForward(2, config.hidden_width, 1, config)

    def forward(
        self, states: Tensor, concept_states: Tensor, rows: Tensor, nodes: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Means (linked, d), and the shares of candidates (candidates,) and sentinels (linked,).

        states - (linked, d)
        concept_states - (nodes, d)
        rows - (candidates,): the linked span of each candidate
        nodes - (candidates,)
        """
        linked = len(states)
        all_rows = torch.cat((torch.arange(linked, device=rows.device), rows))
        embeddings = self.norm(torch.cat((concept_states, self.sentinel[None])))
        nodes = torch.cat((nodes.new_full((linked,), len(concept_states)), nodes))
        concepts = embeddings.index_select(0, nodes)
        products = (states.index_select(0, all_rows) * concepts).sum(1)
        priors = products.new_zeros(len(products))
        priors[linked:] = 1.0 / _ranks(rows)
        features = torch.stack((priors, products / math.sqrt(states.shape[1])), dim=1)
        shares = segment_softmax(self.score(features).squeeze(1), all_rows, linked)
        means = torch.zeros_like(states).index_add(0, all_rows, shares[:, None] * concepts)
        return means, shares[linked:], shares[:linked]


def _ranks(rows: Tensor) -> Tensor:
    """1 for the first element of each row, 2 for its next one, ...; (elements,) -> (elements,)."""
    order = rows.argsort(stable=True)
    counts = torch.bincount(rows)
    firsts = (counts.cumsum(0) - counts)[rows[order]]
    numbers = torch.arange(1, len(rows) + 1, device=rows.device)
    return torch.empty_like(rows).index_copy(0, order, numbers - firsts)
