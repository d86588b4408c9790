"""The triples of a knowledge base as a DGL graph, and the batches that train its vectors.

Nodes are concepts, then semantic types, in one numbering; DGL's negative sampler corrupts triples.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

os.environ.setdefault("DGLBACKEND", "pytorch")  # else dgl writes a settings file at import

import dgl
import numpy as np
import torch
from dgl.dataloading.negative_sampler import PerSourceUniform
from torch import Tensor

from keci.knowledge.base.ragged import ragged_positions
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.vectors.settings import EmbeddingSettings

CONCEPT, TYPE = "concept", "type"
RELATED = (CONCEPT, "related", CONCEPT)
HAS_TYPE = (CONCEPT, "has_type", TYPE)
TYPE_RELATED = (TYPE, "related", TYPE)
FAMILIES = (RELATED, HAS_TYPE, TYPE_RELATED)
Family = tuple[str, str, str]

_LARGEST_HELD_OUT_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class TripleBatch:
    """Triples in chunks, with corrupted ends that a chunk shares.

    ``heads``, ``relations`` and ``tails`` are (chunks, size), the candidates (chunks, candidates);
    the masks (chunks, size, candidates) mark candidates that are no negatives: the true end itself
    and, where the relation is has-type, every other end that makes a true triple. Of other
    relations, a corrupted triple that happens to be true is not found out.
    """

    heads: Tensor
    relations: Tensor
    tails: Tensor
    head_candidates: Tensor
    tail_candidates: Tensor
    head_mask: Tensor
    tail_mask: Tensor

    def to(self, device: torch.device) -> "TripleBatch":
        return TripleBatch(*(getattr(self, name).to(device) for name in self.__slots__))


class TripleGraph:
    """All triples of a base, the part that trains, and the part held out for ranking.

    Relation 0 is has-type, relation 1 + r the base's relation r.
    """

    def __init__(self, base: KnowledgeBase, settings: EmbeddingSettings) -> None:
        self.concept_count = len(base)
        self.type_count = len(base.type_codes)
        self.node_count = self.concept_count + self.type_count
        self.relation_count = len(base.relation_names) + 1
        self.known = _graph_of(base)
        self.held_out = _hold_out(self.known, settings)
        kept = {
            family: _without(self.known.num_edges(family), self.held_out.get(family))
            for family in FAMILIES
        }
        self.train = dgl.edge_subgraph(self.known, kept, relabel_nodes=False)
        self._reversed = dgl.reverse(self.train, copy_edata=False)
        splits, types, _ = self.train.adj_tensors("csr", etype=HAS_TYPE)
        self._type_splits, self._types = splits.numpy(), types.numpy()
        self._settings = settings
        self._sampler = PerSourceUniform(settings.negatives)

    def batches_per_epoch(self) -> int:
        size = self._settings.batch_size
        return sum(ceil(self.train.num_edges(family) / size) for family in FAMILIES)

    def batches(self, epoch: int, *, start: int = 0) -> Iterator[TripleBatch]:
        """The batches of an epoch from number ``start`` on: a function of seed and epoch alone."""
        order = np.random.default_rng((self._settings.seed, epoch))
        parts: list[tuple[Family, Tensor]] = []
        for family in FAMILIES:
            edges = torch.from_numpy(order.permutation(self.train.num_edges(family)))
            parts += [
                (family, part)
                for part in torch.split(edges, self._settings.batch_size)
                if len(part)
            ]
        numbers = order.permutation(len(parts))
        seeds = order.integers(2**62, size=len(parts))
        for number, seed in list(zip(numbers, seeds, strict=True))[start:]:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(int(seed))
                yield self._batch(*parts[number])

    def triples(self, family: Family, edges: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Heads, relations and tails of edges (n,) of the whole graph."""
        return self._triples(self.known, family, edges)

    def known_tails(self, family: Family, head: int, relation: int) -> Tensor:
        """The tails of all true triples with this head and relation."""
        node = head - self._offset(family[0])
        _, tails, edges = self.known.out_edges(node, form="all", etype=family)
        kinds = self.known.edges[family].data["relation"][edges]
        return self._numbered(tails[kinds == relation], family[2])

    def known_heads(self, family: Family, tail: int, relation: int) -> Tensor:
        """The heads of all true triples with this tail and relation."""
        node = tail - self._offset(family[2])
        heads, _, edges = self.known.in_edges(node, form="all", etype=family)
        kinds = self.known.edges[family].data["relation"][edges]
        return self._numbered(heads[kinds == relation], family[0])

    def nodes_of(self, kind: str) -> tuple[int, int]:
        """The half-open range of a kind's node numbers."""
        return (0, self.concept_count) if kind == CONCEPT else (self.concept_count, self.node_count)

    def _batch(self, family: Family, edges: Tensor) -> TripleBatch:
        size = self._settings.chunk_size
        filled = torch.from_numpy(np.resize(edges.numpy(), ceil(len(edges) / size) * size))
        heads, relations, tails = (
            column.view(-1, size) for column in self._triples(self.train, family, filled)
        )
        first = filled[::size]
        _, false_tails = self._sampler(self.train, {family: first})[family]
        reverse = (family[2], family[1], family[0])
        _, false_heads = self._sampler(self._reversed, {reverse: first})[reverse]
        false_tails = self._numbered(false_tails, family[2]).view(len(heads), -1)
        false_heads = self._numbered(false_heads, family[0]).view(len(heads), -1)
        tail_candidates = torch.cat((tails, false_tails), 1)
        head_candidates = torch.cat((heads, false_heads), 1)
        tail_mask = tails[:, :, None] == tail_candidates[:, None]
        head_mask = heads[:, :, None] == head_candidates[:, None]
        if family == HAS_TYPE:
            tail_mask |= self._has_type(heads, tail_candidates)
            head_mask |= self._has_type(head_candidates, tails).transpose(1, 2)
        return TripleBatch(
            heads, relations, tails, head_candidates, tail_candidates, head_mask, tail_mask
        )

    def _has_type(self, concepts: Tensor, types: Tensor) -> Tensor:
        """Whether concepts (chunks, m) have types (chunks, n): (chunks, m, n)."""
        rows = concepts.flatten().numpy()
        counts = self._type_splits[rows + 1] - self._type_splits[rows]
        members = torch.zeros(len(rows), self.type_count, dtype=torch.bool)
        owners = torch.from_numpy(np.repeat(np.arange(len(rows)), counts))
        found = self._types[ragged_positions(self._type_splits, rows)]
        members[owners, torch.from_numpy(found)] = True
        wanted = (types - self.concept_count)[:, None].expand(*concepts.shape, types.shape[1])
        return members.view(*concepts.shape, -1).gather(2, wanted)

    def _triples(
        self, graph: dgl.DGLGraph, family: Family, edges: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        heads, tails = graph.find_edges(edges, etype=family)
        relations = graph.edges[family].data["relation"][edges]
        return self._numbered(heads, family[0]), relations, self._numbered(tails, family[2])

    def _numbered(self, nodes: Tensor, kind: str) -> Tensor:
        return nodes + self._offset(kind)

    def _offset(self, kind: str) -> int:
        return self.nodes_of(kind)[0]


def _graph_of(base: KnowledgeBase) -> dgl.DGLGraph:
    concepts = np.arange(len(base))
    splits, tails, relations = base.outgoing(concepts)
    type_splits, types = base.concept_types(concepts)
    type_heads, type_tails, type_relations = base.type_relations()
    columns = {
        RELATED: (np.repeat(concepts, np.diff(splits)), tails, relations + 1),
        HAS_TYPE: (np.repeat(concepts, np.diff(type_splits)), types, np.zeros_like(types)),
        TYPE_RELATED: (type_heads, type_tails, type_relations + 1),
    }
    tensors = {
        family: tuple(torch.from_numpy(np.asarray(column, dtype=np.int64)) for column in triple)
        for family, triple in columns.items()
    }
    graph = dgl.heterograph(
        {family: triple[:2] for family, triple in tensors.items()},
        num_nodes_dict={CONCEPT: len(base), TYPE: len(base.type_codes)},
    )
    for family, triple in tensors.items():
        graph.edges[family].data["relation"] = triple[2]
    return graph


def _hold_out(graph: dgl.DGLGraph, settings: EmbeddingSettings) -> dict[Family, Tensor]:
    """Edges for the ranking: concept pairs with every relation between them, and types of concepts.

    Only concepts that are related to another one too are ranked: the vectors of the rest would be
    learned from nothing but their types.
    """
    chance = np.random.default_rng((settings.seed, 2**32))
    heads, tails = (ends.numpy() for ends in graph.edges(etype=RELATED))
    concepts = graph.num_nodes(CONCEPT)
    keys = np.minimum(heads, tails) * concepts + np.maximum(heads, tails)
    distinct = np.unique(keys)
    ends = np.stack((distinct // max(1, concepts), distinct % max(1, concepts)))
    degrees = np.bincount(ends.ravel(), minlength=concepts)
    eligible = distinct[(degrees[ends] > 1).all(axis=0)]
    count = min(settings.held_out, int(len(eligible) * _LARGEST_HELD_OUT_SHARE))
    pairs = chance.permutation(eligible)[:count]
    owners = graph.edges(etype=HAS_TYPE)[0].numpy()
    typed = np.flatnonzero(np.isin(owners, heads) | np.isin(owners, tails))
    count = min(settings.held_out, int(len(typed) * _LARGEST_HELD_OUT_SHARE))
    return {
        RELATED: torch.from_numpy(np.flatnonzero(np.isin(keys, pairs))),
        HAS_TYPE: torch.from_numpy(np.sort(chance.permutation(typed)[:count])),
    }


def _without(count: int, left_out: Tensor | None) -> Tensor:
    kept = torch.ones(count, dtype=torch.bool)
    if left_out is not None:
        kept[left_out] = False
    return kept.nonzero().flatten()
