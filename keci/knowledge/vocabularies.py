"""A knowledge base as a model reads it: its types and relations mapped onto the model's by name."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from keci.config import ModelConfig
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.graph import BackgroundGraph, build_background, graph_relation_names
from keci.knowledge.linking.linker import ConceptMention, Linker
from keci.knowledge.vectors.table import tables_of_spaces

Indices = npt.NDArray[np.int64]


class Knowledge:
    """A knowledge base with its linker, mapped by name onto the vocabularies of a model.

    Semantic types and relations that the model does not know are left out of the graph;
    ``unknown_types`` and ``unknown_relations`` list them. ``tables`` are the vectors of the
    model's spaces, zeros where the knowledge base has none.
    """

    def __init__(self, base: KnowledgeBase, config: ModelConfig) -> None:
        self.base = base
        self.linker = Linker(base)
        spaces = tuple(zip(config.vector_spaces, config.vector_widths, strict=True))
        self.tables = tables_of_spaces(base, spaces)
        self.shared_neighbours = config.shared_neighbours
        relations = graph_relation_names(base, shared_neighbours=config.shared_neighbours)
        self.type_map = _map_names(base.type_codes, config.semantic_types)
        self.relation_map = _map_names(relations, config.graph_relations)
        self.unknown_types = tuple(sorted({*base.type_codes} - {*config.semantic_types}))
        self.unknown_relations = tuple(sorted({*relations} - {*config.graph_relations}))

    def background(self, mentions: Sequence[Sequence[ConceptMention]]) -> BackgroundGraph:
        """The background graph of several texts, one disjoint part for each."""
        return build_background(mentions, self.base, shared_neighbours=self.shared_neighbours)

    def first_types(self, concepts: Sequence[int]) -> Indices:
        """The model's number of the first type of each concept, -1 where it knows none."""
        splits, types = self.base.concept_types(np.asarray(concepts, dtype=np.int64))
        firsts = np.full(len(concepts), -1, dtype=np.int64)
        has_type = np.diff(splits) > 0
        firsts[has_type] = self.type_map[types[splits[:-1][has_type]]]
        return firsts


def _map_names(names: Sequence[str], vocabulary: Sequence[str]) -> Indices:
    numbers = {name: number for number, name in enumerate(vocabulary)}
    return np.array([numbers.get(name, -1) for name in names], dtype=np.int64)
