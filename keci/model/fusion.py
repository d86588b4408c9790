"""Attention between kept spans and candidate concepts, with a sentinel (Eq 6-8)."""

from typing import NamedTuple

import torch
from torch import Tensor

from keci.config import ModelConfig
from keci.model.layers import FeedForward, HiddenToOutput, part
from keci.model.ragged import segment_softmax
from keci.stages import TorchStage


class Fused(NamedTuple):
    fused_states: Tensor
    candidate_weights: Tensor
    context_weights: Tensor


class Fusion(TorchStage):
    """Knowledge-aware span states f: a weighted sum of the sentinel and the candidates."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width, hidden = config.span_width, config.hidden_width
        self.span_part = part(width, hidden, bias=True)
        self.concept_part = part(width, hidden)
        self.score = HiddenToOutput(hidden, 1, config)
        self.sentinel = FeedForward(width, hidden, width, config)

    def forward(
        self,
        graph_states: Tensor,
        concept_states: Tensor,
        kept_spans: Tensor,
        span_splits: Tensor,
        candidate_spans: Tensor,
        candidate_nodes: Tensor,
    ) -> Fused:
        """Eq 6 to 8 for every kept span.

        graph_states - (kept, d)
        concept_states - (nodes, d)
        kept_spans - (kept,)
        span_splits - (documents+1,)
        candidate_spans - (candidates,)
        candidate_nodes - (candidates,)
        Returns fused_states (kept, d), candidate_weights (candidates,), context_weights (kept,)
        """
        kept = len(graph_states)
        kept_rows = kept_spans.new_full((int(span_splits[-1]),), -1)
        kept_rows[kept_spans] = torch.arange(kept, device=kept_spans.device)
        candidate_rows = kept_rows[candidate_spans]
        present = candidate_rows >= 0
        rows, nodes = candidate_rows[present], candidate_nodes[present]
        sentinels = self.sentinel(graph_states)
        span_hidden = self.span_part(graph_states)
        scores = torch.cat(
            (
                self.score(span_hidden + self.concept_part(sentinels)),
                self.score(
                    span_hidden.index_select(0, rows)
                    + self.concept_part(concept_states).index_select(0, nodes)
                ),
            )
        ).squeeze(1)
        all_rows = torch.cat((torch.arange(kept, device=rows.device), rows))
        weights = segment_softmax(scores, all_rows, kept)
        shares = weights[kept:, None] * concept_states.index_select(0, nodes)
        fused = (weights[:kept, None] * sentinels).index_add(0, rows, shares)
        candidate_weights = weights.new_zeros(len(candidate_spans))
        candidate_weights = candidate_weights.masked_scatter(present, weights[kept:])
        return Fused(fused, candidate_weights, weights[:kept])
