"""The bidirectional GCN over the initial span graph (Eq 4)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from keci.config import ModelConfig
from keci.model.layers import FeedForward
from keci.model.ragged import row_of_each
from keci.stages import TorchStage


class GraphStates(NamedTuple):
    graph_states: Tensor


class SpanGcn(TorchStage):
    """Span states h after message passing along all relation types, weighted by probability."""

    def __init__(self, config: ModelConfig, *, relation_labels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            SpanGcnLayer(config, relation_labels) for _ in range(config.span_gcn_layers)
        )

    def forward(
        self,
        kept_states: Tensor,
        kept_splits: Tensor,
        pair_heads: Tensor,
        pair_tails: Tensor,
        relation_logits: Tensor,
    ) -> GraphStates:
        """Shapes: (kept, d), (documents+1,), (pairs,) twice, (pairs, labels) -> (kept, d)."""
        documents = row_of_each(kept_splits, len(kept_states))
        places = torch.arange(len(kept_states), device=documents.device) - kept_splits[documents]
        width = int(places.max()) + 1 if len(places) else 1
        slots = documents * width + places
        shape = (len(kept_splits) - 1, width)
        weights = _dense_weights(
            relation_logits.softmax(1), slots[pair_heads] * width + places[pair_tails], shape
        )
        states = kept_states
        for layer in self.layers:
            states = layer(states, slots, shape, weights)
        return GraphStates(states)


class SpanGcnLayer(nn.Module):
    """One iteration of Eq 4 on all documents at once, padded to the largest span graph."""

    def __init__(self, config: ModelConfig, relation_labels: int) -> None:
        super().__init__()
        width = config.span_width
        self.forward_maps = nn.Linear(width, relation_labels * width)
        self.backward_maps = nn.Linear(width, relation_labels * width)
        self.update = FeedForward(2 * width, width, width, dropout=config.dropout)

    def forward(
        self, states: Tensor, slots: Tensor, shape: tuple[int, int], weights: tuple[Tensor, Tensor]
    ) -> Tensor:
        """Shapes: (kept, d), (kept,), weights (documents, width, width * labels) -> (kept, d)."""
        outgoing, incoming = weights
        messages = torch.cat(
            (
                _aggregate(self.forward_maps(states), slots, shape, outgoing),
                _aggregate(self.backward_maps(states), slots, shape, incoming),
            ),
            dim=1,
        )
        update: Tensor = self.update(messages.relu())
        return states + update


def _dense_weights(
    probabilities: Tensor, pair_slots: Tensor, shape: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """r_ij[k] and r_ji[k] at [document, i, j * labels + k]; absent pairs weigh nothing."""
    documents, width = shape
    labels = probabilities.shape[1]
    flat = probabilities.new_zeros(documents * width * width, labels)
    dense = flat.index_copy(0, pair_slots, probabilities).view(documents, width, width, labels)
    return dense.flatten(2), dense.transpose(1, 2).flatten(2)


def _aggregate(mapped: Tensor, slots: Tensor, shape: tuple[int, int], weights: Tensor) -> Tensor:
    """Sums of W_k h_j + b_k, weighted; ``mapped`` is (kept, labels * d), the result (kept, d)."""
    documents, width = shape
    labels = weights.shape[2] // width
    padded = mapped.new_zeros(documents * width, mapped.shape[1]).index_copy(0, slots, mapped)
    padded = padded.view(documents, width * labels, mapped.shape[1] // labels)
    sums: Tensor = weights.to(padded.dtype) @ padded
    return sums.flatten(0, 1).index_select(0, slots)
