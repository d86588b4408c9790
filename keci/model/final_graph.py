"""The final span graph: entity and relation scores of knowledge-aware spans (Eq 9)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from keci.config import ModelConfig
from keci.model.layers import FeedForward
from keci.model.pair_context import PairFeatures
from keci.model.span_graph import PairScorer
from keci.stages import TorchStage


class FinalStates(nn.Module):
    """What Eq 9 reads of a span: f_i, or [f_i ; h_i] where ``final_inputs`` says so."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.reads_span = config.final_inputs == "fused+span"
        self.width = config.span_width * (2 if self.reads_span else 1)

    def forward(self, fused_states: Tensor, graph_states: Tensor) -> Tensor:
        """f_i, or [f_i ; h_i].

        fused_states - (kept, d)
        graph_states - (kept, d)
        Returns (kept, width)
        """
        return torch.cat((fused_states, graph_states), 1) if self.reads_span else fused_states


class FinalEntityScores(NamedTuple):
    final_entity_logits: Tensor


class FinalSpanScorer(TorchStage):
    """Entity scores of Eq 9."""

    autocasts = True

    def __init__(self, config: ModelConfig, *, entity_labels: int) -> None:
        super().__init__()
        self.states = FinalStates(config)
        self.classifier = FeedForward(self.states.width, config.hidden_width, entity_labels, config)

    def forward(self, fused_states: Tensor, graph_states: Tensor) -> FinalEntityScores:
        """Entity scores of the kept spans.

        fused_states - (kept, d)
        graph_states - (kept, d)
        Returns final_entity_logits (kept, labels)
        """
        return FinalEntityScores(self.classifier(self.states(fused_states, graph_states)))


class FinalRelationScores(NamedTuple):
    final_relation_logits: Tensor


class FinalPairScorer(TorchStage):
    """Relation scores of Eq 9."""

    autocasts = True

    def __init__(self, config: ModelConfig, *, relation_labels: int) -> None:
        super().__init__()
        self.states = FinalStates(config)
        self.pairs = PairScorer(
            config, span_width=self.states.width, relation_labels=relation_labels
        )

    def forward(
        self, fused_states: Tensor, graph_states: Tensor, pair_heads: Tensor, pair_tails: Tensor
    ) -> FinalRelationScores:
        """Relation scores of the pairs.

        fused_states - (kept, d)
        graph_states - (kept, d)
        pair_heads - (pairs,)
        pair_tails - (pairs,)
        Returns final_relation_logits (pairs, labels)
        """
        states = self.states(fused_states, graph_states)
        return FinalRelationScores(*self.pairs(states, pair_heads, pair_tails))


class ContextFinalPairScorer(FinalPairScorer):
    """A FinalPairScorer that also reads context, position and the final types of both spans."""

    def __init__(self, config: ModelConfig, *, entity_labels: int, relation_labels: int) -> None:
        super().__init__(config, relation_labels=relation_labels)
        self.features = PairFeatures(config, entity_labels=entity_labels)

    def forward(  # type: ignore[override]  # its parameters name a stage's inputs
        self,
        fused_states: Tensor,
        graph_states: Tensor,
        final_entity_logits: Tensor,
        pair_heads: Tensor,
        pair_tails: Tensor,
        pair_contexts: Tensor,
        pair_positions: Tensor,
    ) -> FinalRelationScores:
        """Relation scores of the pairs, with context and types.

        fused_states - (kept, d)
        graph_states - (kept, d)
        final_entity_logits - (kept, labels)
        pair_heads - (pairs,)
        pair_tails - (pairs,)
        pair_contexts - (pairs, pair_context)
        pair_positions - (pairs,)
        Returns final_relation_logits (pairs, labels)
        """
        states = self.states(fused_states, graph_states)
        hidden = self.pairs.hidden(states, pair_heads, pair_tails)
        read = self.features(
            pair_contexts, pair_positions, pair_heads, pair_tails, final_entity_logits
        )
        return FinalRelationScores(*self.pairs.scores(hidden + read))
