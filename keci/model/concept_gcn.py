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
        self.project = FeedForward(width, config.hidden_width, config.span_width, config)

    def forward(
        self,
        node_types_splits: Tensor,
        node_types: Tensor,
        node_vectors: Tensor,
        edge_heads: Tensor,
        edge_tails: Tensor,
        edge_relations: Tensor,
    ) -> ConceptStates:
        """The projected states of all nodes.

        node_types_splits - (nodes+1,)
        node_types - (node_types,)
        node_vectors - (nodes, vectors)
        edge_heads - (edges,)
        edge_tails - (edges,)
        edge_relations - (edges,)
        Returns concept_states (nodes, d)
        """
        nodes = len(node_types_splits) - 1
        rows = row_of_each(node_types_splits, len(node_types))
        types = segment_mean(self.types(node_types), rows, nodes)
        states = self.inputs(torch.cat((types, node_vectors.to(types.dtype)), dim=1))
        edges = Edges.of(
            edge_heads, edge_tails, edge_relations, nodes=nodes, relations=self.relation_count
        )
        for layer in self.layers:
            states = layer(states, edges)
        return ConceptStates(self.project(states))


class Edges(NamedTuple):
    """The edges of a graph in groups: those with one tail and one relation share a message.

    ``heads`` (edges,) lists the neighbours group by group, ``starts`` and ``tails`` (groups,) where
    each group begins and which node it reaches, ``counts`` how many groups each relation has.
    """

    heads: Tensor
    starts: Tensor
    tails: Tensor
    counts: list[int]

    @classmethod
    def of(
        cls, heads: Tensor, tails: Tensor, edge_relations: Tensor, *, nodes: int, relations: int
    ) -> "Edges":
        """Edges arrive sorted by relation and, within one, by tail."""
        keys, sizes = torch.unique_consecutive(edge_relations * nodes + tails, return_counts=True)
        counts = torch.bincount(keys // max(nodes, 1), minlength=relations).tolist()
        return cls(heads, sizes.cumsum(0) - sizes, keys % max(nodes, 1), counts)


class RelationalLayer(nn.Module):
    """One layer of Eq 5: self-loop, and the mean of the neighbours under each relation.

    The mean is taken before the map W_k, which is linear, so that a group of edges is mapped once.
    """

    def __init__(self, width: int, relations: int, *, dropout: float) -> None:
        super().__init__()
        self.self_loop = nn.Linear(width, width, bias=False)
        self.relation_maps = RelationMaps(width, relations)
        self.dropout = Dropout(dropout)

    def forward(self, states: Tensor, edges: Edges) -> Tensor:
        """States after one layer of Eq 5.

        states - (nodes, width)
        Returns (nodes, width)
        """
        update = self.self_loop(states)
        if len(edges.tails):
            means = nn.functional.embedding_bag(edges.heads, states, edges.starts, mode="mean")
            update = update.index_add(0, edges.tails, self.relation_maps(means, edges.counts))
        updated: Tensor = self.dropout(update.relu())
        return updated


class RelationMaps(nn.Module):
    """W_k of Eq 5, ``weight`` (relations, width, width): one product for each relation at hand."""

    def __init__(self, width: int, relations: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(relations, width, width))
        nn.init.uniform_(self.weight, -(width**-0.5), width**-0.5)

    def forward(self, states: Tensor, counts: list[int]) -> Tensor:
        """Each row multiplied by the matrix of its relation; ``counts`` rows of each stand in turn.

        states - (rows, width)
        Returns (rows, width)
        """
        blocks = zip(torch.split(states, counts), self.weight, strict=True)
        return torch.cat([block @ matrix for block, matrix in blocks if len(block)])
