"""The background knowledge graph of linked texts: concepts, semantic types and their relations."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keci.knowledge.base.ragged import Integers, ragged_positions, splits_of
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.linking.linker import ConceptMention

HAS_TYPE = "has_type"
SHARED_NEIGHBOUR = "shared_neighbour"
INVERSE = "inverse_"
_Edges = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class BackgroundGraph:
    """One graph per document, disjoint, in flat arrays; nodes are numbered over the whole batch.

    A document's nodes are its distinct candidate concepts in ascending order, then its distinct
    semantic types. ``node_concepts`` (nodes,) is -1 for a type node. The types of node n are
    ``node_types[node_types_splits[n]:node_types_splits[n + 1]]``; a type node has itself.
    Document d has the nodes ``node_splits[d]:node_splits[d + 1]``. Messages flow from
    ``edge_heads`` to ``edge_tails`` (edges,), sorted by relation, head, tail. Mention m of document
    ``mention_documents[m]`` covers the characters ``mention_starts[m]:mention_ends[m]``;
    candidate c links ``candidate_mentions[c]`` to ``candidate_nodes[c]``, best first per mention.
    """

    node_concepts: Integers
    node_types_splits: Integers
    node_types: Integers
    node_splits: Integers
    edge_heads: Integers
    edge_tails: Integers
    edge_relations: Integers
    mention_documents: Integers
    mention_starts: Integers
    mention_ends: Integers
    candidate_mentions: Integers
    candidate_nodes: Integers


@dataclass(frozen=True, slots=True)
class _Nodes:
    """Nodes as sorted numbers: ``document * stride + concept``, or ``+ concepts + type``."""

    numbers: npt.NDArray[np.int64]
    documents: npt.NDArray[np.int64]
    members: npt.NDArray[np.int64]
    stride: int
    concept_count: int

    def find(
        self, documents: npt.NDArray[np.int64], members: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """The node numbers of members (concept, or concept_count + type), -1 where absent."""
        wanted = documents * self.stride + members
        positions = np.searchsorted(self.numbers, wanted)
        if not len(self.numbers):
            return np.full(len(wanted), -1, dtype=np.int64)
        inside = np.minimum(positions, len(self.numbers) - 1)
        return np.where(self.numbers[inside] == wanted, inside, -1)


def graph_relation_names(
    knowledge_base: KnowledgeBase, *, shared_neighbours: bool = False
) -> tuple[str, ...]:
    """The names of the edge relations in index order, each followed by its inverse.

    ``shared_neighbours`` must be what build_background is given.
    """
    last = (SHARED_NEIGHBOUR,) if shared_neighbours else ()
    names = (HAS_TYPE, *knowledge_base.relation_names, *last)
    return tuple(direction + name for name in names for direction in ("", INVERSE))


def build_background(
    linked: Sequence[Sequence[ConceptMention]],
    knowledge_base: KnowledgeBase,
    *,
    shared_neighbours: bool = False,
) -> BackgroundGraph:
    """The graphs of documents whose mentions are given.

    ``shared_neighbours`` adds edges between concepts that both have a relation to a third concept,
    whether the text names that or not (``pairs_with_shared_neighbour``).
    """
    mentions = [mention for document in linked for mention in document]
    mention_documents = np.repeat(np.arange(len(linked)), [len(document) for document in linked])
    candidate_mentions = np.repeat(np.arange(len(mentions)), [len(m.concepts) for m in mentions])
    concepts = np.array([c for mention in mentions for c in mention.concepts], dtype=np.int64)
    documents = mention_documents[candidate_mentions].astype(np.int64)
    nodes = _make_nodes(documents, concepts, knowledge_base)
    node_splits = splits_of(nodes.documents, len(linked))
    is_type = nodes.members >= nodes.concept_count
    types_splits, types = _node_types(nodes, is_type, knowledge_base)
    parts = [
        _has_type_edges(nodes, is_type, types_splits, types),
        _concept_edges(nodes, np.flatnonzero(~is_type), knowledge_base),
        _type_edges(nodes, np.flatnonzero(is_type), knowledge_base),
    ]
    if shared_neighbours:
        parts.append(_neighbour_edges(nodes, np.flatnonzero(~is_type), knowledge_base))
    edges = _both_directions(parts)
    return BackgroundGraph(
        node_concepts=np.where(is_type, -1, nodes.members).astype(np.int32),
        node_types_splits=types_splits,
        node_types=types,
        node_splits=node_splits,
        edge_heads=edges[1],
        edge_tails=edges[2],
        edge_relations=edges[0],
        mention_documents=mention_documents.astype(np.int32),
        mention_starts=np.array([mention.start for mention in mentions], dtype=np.int32),
        mention_ends=np.array([mention.end for mention in mentions], dtype=np.int32),
        candidate_mentions=candidate_mentions.astype(np.int32),
        candidate_nodes=nodes.find(documents, concepts).astype(np.int32),
    )


def _make_nodes(
    documents: npt.NDArray[np.int64],
    concepts: npt.NDArray[np.int64],
    knowledge_base: KnowledgeBase,
) -> _Nodes:
    concept_count = len(knowledge_base)
    stride = concept_count + len(knowledge_base.type_codes)
    concept_numbers = np.unique(documents * stride + concepts)
    splits, types = knowledge_base.concept_types(concept_numbers % stride)
    type_documents = np.repeat(concept_numbers // stride, np.diff(splits))
    type_numbers = np.unique(type_documents * stride + concept_count + types)
    numbers = np.union1d(concept_numbers, type_numbers)
    return _Nodes(numbers, numbers // stride, numbers % stride, stride, concept_count)


def _node_types(
    nodes: _Nodes, is_type: npt.NDArray[np.bool_], knowledge_base: KnowledgeBase
) -> tuple[Integers, Integers]:
    splits, types = knowledge_base.concept_types(nodes.members[~is_type])
    counts = np.ones(len(nodes.numbers), dtype=np.int64)
    counts[~is_type] = np.diff(splits)
    node_splits = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    owners = np.repeat(is_type, counts)
    node_types = np.empty(int(node_splits[-1]), dtype=np.int32)
    node_types[owners] = nodes.members[is_type] - nodes.concept_count
    node_types[~owners] = types
    return node_splits, node_types


def _both_directions(parts: Sequence[_Edges]) -> tuple[Integers, Integers, Integers]:
    """Relations, heads and tails of all edges in both directions, sorted."""
    relations, heads, tails = (np.concatenate(column) for column in zip(*parts, strict=True))
    both = (
        np.concatenate([2 * relations, 2 * relations + 1]),
        np.concatenate([heads, tails]),
        np.concatenate([tails, heads]),
    )
    order = np.lexsort(both[::-1])
    return (
        both[0][order].astype(np.int32),
        both[1][order].astype(np.int32),
        both[2][order].astype(np.int32),
    )


def _has_type_edges(
    nodes: _Nodes, is_type: npt.NDArray[np.bool_], types_splits: Integers, types: Integers
) -> _Edges:
    owners = np.repeat(np.arange(len(is_type)), np.diff(types_splits))
    of_concepts = ~is_type[owners]
    heads = owners[of_concepts]
    members = nodes.concept_count + types[of_concepts].astype(np.int64)
    tails = nodes.find(nodes.documents[heads], members)
    return np.zeros(len(heads), dtype=np.int64), heads, tails


def _concept_edges(
    nodes: _Nodes, concept_nodes: npt.NDArray[np.int64], knowledge_base: KnowledgeBase
) -> _Edges:
    splits, tails, relations = knowledge_base.outgoing(nodes.members[concept_nodes])
    heads = np.repeat(concept_nodes, np.diff(splits))
    return _present_edges(nodes, heads, tails.astype(np.int64), relations)


def _type_edges(
    nodes: _Nodes, type_nodes: npt.NDArray[np.int64], knowledge_base: KnowledgeBase
) -> _Edges:
    head_types, tail_types, relations = knowledge_base.type_relations()
    splits = splits_of(head_types, len(knowledge_base.type_codes))
    types = nodes.members[type_nodes] - nodes.concept_count
    positions = ragged_positions(splits, types)
    heads = np.repeat(type_nodes, splits[types + 1] - splits[types])
    tails = nodes.concept_count + tail_types[positions].astype(np.int64)
    return _present_edges(nodes, heads, tails, relations[positions])


def _neighbour_edges(
    nodes: _Nodes, concept_nodes: npt.NDArray[np.int64], knowledge_base: KnowledgeBase
) -> _Edges:
    heads, tails = pairs_with_shared_neighbour(
        nodes.documents[concept_nodes], nodes.members[concept_nodes], knowledge_base
    )
    relation = 1 + len(knowledge_base.relation_names)
    return np.full(len(heads), relation), concept_nodes[heads], concept_nodes[tails]


def _present_edges(
    nodes: _Nodes,
    heads: npt.NDArray[np.int64],
    tail_members: npt.NDArray[np.int64],
    relations: Integers,
) -> _Edges:
    """The edges whose tail is another node of the head's document."""
    tails = nodes.find(nodes.documents[heads], tail_members)
    present = (tails >= 0) & (tails != heads)
    return relations[present].astype(np.int64) + 1, heads[present], tails[present]


MAX_DEGREE = 200
"""A third concept that more relations than this lead to says too little about its neighbours."""
MAX_SHARING = 8
"""At most so many concepts of a text are paired through one third concept, the first ones."""

Indices = npt.NDArray[np.int64]


def pairs_with_shared_neighbour(
    documents: Indices, concepts: Indices, knowledge_base: KnowledgeBase
) -> tuple[Indices, Indices]:
    """Positions (pairs,) of two concepts of one document with a common target, each pair once.

    ``documents`` and ``concepts`` (nodes,) are sorted; of a pair the earlier position comes first.
    """
    splits, targets, _ = knowledge_base.outgoing(concepts)
    owners = np.repeat(np.arange(len(concepts)), np.diff(splits))
    specific = knowledge_base.in_degrees(targets) <= MAX_DEGREE
    links = np.unique(np.stack([documents[owners], targets, owners])[:, specific], axis=1)
    if not links.size:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    return _pairs_within(links[:2], links[2])


def _pairs_within(groups: Indices, members: Indices) -> tuple[Indices, Indices]:
    """Distinct pairs of members of one group; the columns of ``groups`` (2, links) are sorted."""
    begins = np.ones(groups.shape[1], dtype=bool)
    begins[1:] = (groups[:, 1:] != groups[:, :-1]).any(axis=0)
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:], groups.shape[1])
    group = np.cumsum(begins) - 1
    limits = np.minimum(ends, starts + MAX_SHARING)[group]
    positions = np.arange(len(members))
    counts = np.maximum(limits - positions - 1, 0)
    firsts = np.repeat(positions, counts)
    offsets = np.concatenate(([0], np.cumsum(counts)))
    seconds = ragged_positions(offsets, positions) - np.repeat(offsets[:-1], counts) + firsts + 1
    pairs = np.unique(np.stack([members[firsts], members[seconds]]), axis=1)
    return pairs[0], pairs[1]
