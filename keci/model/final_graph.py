"""The final span graph: entity and relation scores of knowledge-aware spans (Eq 9)."""

from typing import NamedTuple

import torch
from torch import Tensor

from keci.config import ModelConfig
from keci.model.layers import FeedForward
from keci.model.span_graph import PairScorer
from keci.stages import TorchStage


class FinalScores(NamedTuple):
    final_entity_logits: Tensor
    final_relation_logits: Tensor


class FinalScorer(TorchStage):
    """Scores of Eq 9 from f_i, or from [f_i ; h_i] where ``final_inputs`` says so."""

    autocasts = True

    def __init__(self, config: ModelConfig, *, entity_labels: int, relation_labels: int) -> None:
        super().__init__()
        self.reads_span = config.final_inputs == "fused+span"
        width = config.span_width * (2 if self.reads_span else 1)
        self.classifier = FeedForward(
            width, config.hidden_width, entity_labels, dropout=config.dropout
        )
        self.pairs = PairScorer(config, span_width=width, relation_labels=relation_labels)

    def forward(
        self, fused_states: Tensor, graph_states: Tensor, pair_heads: Tensor, pair_tails: Tensor
    ) -> FinalScores:
        """Shapes: (kept, d) twice, (pairs,) twice -> (kept, labels), (pairs, labels)."""
        states = torch.cat((fused_states, graph_states), 1) if self.reads_span else fused_states
        relations = self.pairs(states, pair_heads, pair_tails)
        return FinalScores(self.classifier(states), relations.relation_logits)
