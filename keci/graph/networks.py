"""Extractions as a networkx graph, for a corpus that fits in memory."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from keci.documents import Extraction
from keci.graph.mapping import BiolinkMapping, load_mapping
from keci.graph.nodes import MIN_WEIGHT, node_of

if TYPE_CHECKING:
    import networkx as nx


def to_graph(
    extractions: Iterable[Extraction],
    min_weight: float = MIN_WEIGHT,
    mapping: BiolinkMapping | None = None,
) -> "nx.MultiDiGraph[str]":
    """The corpus-level graph of keci-graph as a networkx.MultiDiGraph.

    Nodes carry ``name``, ``type``, ``mentions`` and ``documents``. There is an edge for each
    relation type and assertion of two nodes, with the key ``(type, assertion)``; it carries
    ``type``, ``assertion``, ``mentions``, ``documents``, ``score`` (1 - product(1 - score)) and
    ``evidence``, a list of (document id, relation id). ``mapping`` tells which types have no
    direction; None means those of the shipped models.

    >>> to_graph([]).number_of_nodes()
    0
    """
    import networkx as nx

    mapping = mapping or load_mapping()
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for extraction in extractions:
        nodes = {mention.id: node_of(mention, min_weight) for mention in extraction.mentions}
        first = set(nodes.values())
        for mention in extraction.mentions:
            node = nodes[mention.id]
            if node.id not in graph:
                graph.add_node(node.id, name=node.name, type=node.type, mentions=0, documents=0)
            graph.nodes[node.id]["mentions"] += 1
        for name in {node.id for node in first}:
            graph.nodes[name]["documents"] += 1
        _add_relations(graph, extraction, {key: node.id for key, node in nodes.items()}, mapping)
    return graph


def _add_relations(
    graph: "nx.MultiDiGraph[str]",
    extraction: Extraction,
    nodes: dict[str, str],
    mapping: BiolinkMapping,
) -> None:
    for relation in extraction.relations:
        head, tail = nodes[relation.head], nodes[relation.tail]
        if mapping.is_turned(relation.type, head, tail):
            head, tail = tail, head
        key = (relation.type, relation.assertion)
        if not graph.has_edge(head, tail, key):
            graph.add_edge(
                head, tail, key, type=relation.type, assertion=relation.assertion,
                mentions=0, documents=0, score=0.0, evidence=[],
            )  # fmt: skip
        edge = graph.edges[head, tail, key]
        score = 1.0 if relation.score is None else relation.score
        edge["documents"] += extraction.id not in {document for document, _ in edge["evidence"]}
        edge["mentions"] += 1
        edge["score"] = 1 - (1 - edge["score"]) * (1 - score)
        edge["evidence"].append((extraction.id, relation.id))
