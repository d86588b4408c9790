"""The bidirectional GCN over the initial span graph (Eq 4)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from keci.config import ModelConfig
from keci.model.layers import FeedForward
from keci.model.ragged import PaddedAxis
from keci.stages import TorchStage

_COLUMNS = 4
"""In steps of so many columns a sum over a row is the same with any padding after it."""


class GraphStates(NamedTuple):
    graph_states: Tensor


class SpanGcn(TorchStage):
    """Span states h after message passing along all relation types, weighted by probability."""

    def __init__(self, config: ModelConfig, *, relation_labels: int) -> None:
        super().__init__()
        self.first_label = 0 if config.none_messages else 1
        labels = relation_labels - self.first_label
        self.layers = nn.ModuleList(
            SpanGcnLayer(config, labels) for _ in range(config.span_gcn_layers)
        )

    def forward(
        self,
        kept_states: Tensor,
        kept_splits: Tensor,
        pair_heads: Tensor,
        pair_tails: Tensor,
        relation_logits: Tensor,
    ) -> GraphStates:
        """Span states after every iteration of Eq 4.

        kept_states - (kept, d)
        kept_splits - (documents+1,)
        pair_heads - (pairs,)
        pair_tails - (pairs,)
        relation_logits - (pairs, labels)
        Returns graph_states (kept, d)
        """
        axis = PaddedAxis(kept_splits, len(kept_states), multiple=_COLUMNS)
        probabilities = relation_logits.softmax(1)[:, self.first_label :]
        weights = _dense_weights(probabilities, axis, pair_heads, pair_tails)
        states = axis.pad(kept_states)
        for layer in self.layers:
            states = layer(states, weights)
        return GraphStates(axis.unpad(states))


class SpanGcnLayer(nn.Module):
    """One iteration of Eq 4 on all documents at once, padded to the largest span graph.

    What padding holds reaches no span, as its weights are zero.
    """

    def __init__(self, config: ModelConfig, relation_labels: int) -> None:
        super().__init__()
        width = config.span_width
        self.forward_maps = nn.Linear(width, relation_labels * width)
        self.backward_maps = nn.Linear(width, relation_labels * width)
        self.update = FeedForward(2 * width, width, width, config)

    def forward(self, states: Tensor, weights: tuple[Tensor, Tensor]) -> Tensor:
        """States after one iteration.

        states - (documents, width, d)
        weights - (documents, width, width * labels) twice: r_ij[k] and r_ji[k]
        Returns (documents, width, d)
        """
        outgoing, incoming = weights
        messages = torch.cat(
            (
                _aggregate(self.forward_maps(states), outgoing),
                _aggregate(self.backward_maps(states), incoming),
            ),
            dim=2,
        )
        update: Tensor = self.update(messages.relu())
        return states + update


def _dense_weights(
    probabilities: Tensor, axis: PaddedAxis, pair_heads: Tensor, pair_tails: Tensor
) -> tuple[Tensor, Tensor]:
    """r_ij[k] and r_ji[k] at [document, i, j * labels + k]; absent pairs weigh nothing."""
    documents, width = axis.padding.shape
    labels = probabilities.shape[1]
    flat = probabilities.new_zeros(documents * width * width, labels)
    slots = axis.slots[pair_heads] * width + axis.columns[pair_tails]
    dense = flat.index_copy(0, slots, probabilities).view(documents, width, width, labels)
    return dense.flatten(2), dense.transpose(1, 2).flatten(2)


def _aggregate(mapped: Tensor, weights: Tensor) -> Tensor:
    """Weighted sums of W_k h_j + b_k: (documents, width, labels * d) -> (documents, width, d)."""
    documents, width, outputs = mapped.shape
    labels = weights.shape[2] // width
    sums: Tensor = weights.to(mapped.dtype) @ mapped.view(
        documents, width * labels, outputs // labels
    )
    return sums
