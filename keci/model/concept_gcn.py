"""The relational GCN over the background knowledge graph (Eq 5) and the projection to n."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from keci.config import ModelConfig
from keci.model.layers import Dropout, FeedForward
from keci.model.ragged import row_of_each, segment_mean
from keci.stages import TorchStage


class ConceptStates(NamedTuple):
    concept_states: Tensor


class ConceptGcn(TorchStage):
    """Node states from semantic types, pretrained and definition vectors, refined by Eq 5."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.node_width
        self.relation_count = len(config.graph_relations)
        self.types = nn.Embedding(len(config.semantic_types), width)
        self.inputs = nn.Linear(width + config.vector_width, width)
        self.layers = nn.ModuleList(
            RelationalLayer(width, len(config.graph_relations), dropout=config.dropout)
            for _ in range(config.concept_gcn_layers)
        )
        self.project = FeedForward(
            width, config.hidden_width, config.span_width, dropout=config.dropout
        )

    def forward(
        self,
        node_types_splits: Tensor,
        node_types: Tensor,
        node_vectors: Tensor,
        edge_heads: Tensor,
        edge_tails: Tensor,
        edge_relations: Tensor,
    ) -> ConceptStates:
        """Shapes: (nodes+1,), (node_types,), (nodes, vectors), (edges,) thrice -> (nodes, d)."""
        nodes = len(node_types_splits) - 1
        rows = row_of_each(node_types_splits, len(node_types))
        types = segment_mean(self.types(node_types), rows, nodes)
        states = self.inputs(torch.cat((types, node_vectors.to(types.dtype)), dim=1))
        edges = Edges.of(edge_heads, edge_tails, edge_relations, relations=self.relation_count)
        for layer in self.layers:
            states = layer(states, edges)
        return ConceptStates(self.project(states))


class Edges(NamedTuple):
    """The graph's edges, sorted by relation: (edges,) thrice, and how many each relation has.

    ``shares`` is 1 / c_ik of Eq 5: one over the number of edges with this tail and relation.
    """

    heads: Tensor
    tails: Tensor
    shares: Tensor
    counts: list[int]

    @classmethod
    def of(cls, heads: Tensor, tails: Tensor, edge_relations: Tensor, *, relations: int) -> "Edges":
        groups = tails * relations + edge_relations
        shares = 1.0 / torch.bincount(groups)[groups]
        counts = torch.bincount(edge_relations, minlength=relations).tolist()
        return cls(heads, tails, shares, counts)


class RelationalLayer(nn.Module):
    """One layer of Eq 5: self-loop, and the mean of the neighbours under each relation.

    Edges arrive sorted by relation, so each relation's messages are one matrix product.
    """

    def __init__(self, width: int, relations: int, *, dropout: float) -> None:
        super().__init__()
        self.self_loop = nn.Linear(width, width, bias=False)
        self.relation_maps = nn.Parameter(torch.empty(relations, width, width))
        nn.init.uniform_(self.relation_maps, -(width**-0.5), width**-0.5)
        self.dropout = Dropout(dropout)

    def forward(self, states: Tensor, edges: Edges) -> Tensor:
        """Shapes: (nodes, width) -> (nodes, width)."""
        messages = states.index_select(0, edges.heads) * edges.shares[:, None]
        blocks = torch.split(messages, edges.counts)
        mapped = [
            block @ matrix
            for block, matrix in zip(blocks, self.relation_maps, strict=True)
            if len(block)
        ]
        update = self.self_loop(states)
        if mapped:
            update = update.index_add(0, edges.tails, torch.cat(mapped))
        updated: Tensor = self.dropout(update.relu())
        return updated
