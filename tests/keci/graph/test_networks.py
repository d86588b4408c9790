"""Extractions as a networkx graph."""

from dataclasses import replace
from pathlib import Path

import pytest

from keci.documents import Relation
from keci.graph.networks import to_graph
from tests.keci.graph.test_graph import document, graph_of


def test_it_says_what_keci_graph_says(tmp_path: Path) -> None:
    documents = [
        document("a"),
        document("b", score=0.8),
        document("c", assertion="negated"),
        document("d", turned=True),
        replace(document("e"), relations=(Relation("R1", "T1", "T2", "bind", 0.5),)),
    ]
    network = to_graph(documents)
    graph, totals = graph_of(tmp_path, documents)
    assert network.number_of_nodes() == totals.nodes
    assert network.number_of_edges() == totals.edges
    for node in graph.nodes():
        told = network.nodes[node.id]
        assert (told["mentions"], told["documents"]) == (node.mentions, node.documents)
    for edge in graph.edges():
        found = network.edges[edge.head, edge.tail, (edge.type, edge.assertion)]
        assert (found["mentions"], found["documents"]) == (edge.mentions, edge.documents)
        assert found["score"] == pytest.approx(edge.score)
    assert sum(len(data["evidence"]) for *_, data in network.edges(data=True)) == totals.relations
