"""How dense the background graphs of texts are: what knowledge a model gets to see."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.graph import build_background, graph_relation_names
from keci.knowledge.linking.linker import ConceptMention


class GraphDensity:
    """Counts over the background graphs of texts; shared-neighbour edges are counted too."""

    def __init__(self, knowledge_base: KnowledgeBase) -> None:
        self._knowledge_base = knowledge_base
        self._names = graph_relation_names(knowledge_base, shared_neighbours=True)
        self._counts: Counter[str] = Counter()
        self._edges: Counter[tuple[str, str]] = Counter()

    def add(self, mentions: Sequence[ConceptMention]) -> None:
        """Count the graph of one text."""
        graph = build_background([mentions], self._knowledge_base, shared_neighbours=True)
        is_concept = graph.node_concepts >= 0
        forward = graph.edge_relations % 2 == 0
        between = forward & is_concept[graph.edge_heads] & is_concept[graph.edge_tails]
        shared = graph.edge_relations == len(self._names) - 2
        self._counts.update(
            texts=1,
            mentions=len(mentions),
            candidates=len(graph.candidate_nodes),
            concepts=int(is_concept.sum()),
            types=int((~is_concept).sum()),
            edges=int(forward.sum()),
            edges_among_concepts=int(between.sum()),
            texts_with_related_concepts=int((between & ~shared).any()),
            texts_with_shared_neighbours=int((forward & shared).any()),
        )
        for kind, chosen in (("concepts", between), ("types", forward & ~between)):
            relations, counts = np.unique(graph.edge_relations[chosen], return_counts=True)
            for relation, count in zip(relations, counts, strict=True):
                self._edges[kind, self._names[relation]] += int(count)

    def to_record(self) -> dict[str, Any]:
        """Means per text, and edges among concepts and to types by relation.

        Each edge is counted in one direction; has-type edges stand among those to types.
        """
        texts = self._counts["texts"]
        means = {
            name: round(count / texts, 3)
            for name, count in self._counts.items()
            if name != "texts" and texts
        }
        return {
            "texts": texts,
            "per_text": means,
            "edges": {
                kind: {
                    name: count for (of, name), count in sorted(self._edges.items()) if of == kind
                }
                for kind in ("concepts", "types")
            },
        }
