"""Nodes and edges as rows of named values, in the words of Biolink: what every writer writes."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any
from urllib.parse import quote

from keci.graph.counting import CorpusGraph, Evidence

NODE_COLUMNS = (
    "id", "category", "name", "xref", "semantic_types", "entity_type", "mention_count",
    "document_count",
)  # fmt: skip
EDGE_COLUMNS = (
    "id", "subject", "predicate", "object", "negated", "assertion", "original_predicate",
    "primary_knowledge_source", "knowledge_level", "agent_type", "publications", "evidence_count",
    "document_count", "score",
)  # fmt: skip
EVIDENCE_COLUMNS = (
    "edge", "document", "score", "subject_start", "subject_end", "object_start", "object_end",
    "sentence",
)  # fmt: skip
_MOST_PUBLICATIONS = 1000
_SAFE = "/:()<>,+=@&'*!$"
"""What ids of documents, as DOIs, keep; the rest beside letters and digits is encoded."""
SOURCE = "infores:keci"

Row = dict[str, Any]


def node_rows(graph: CorpusGraph) -> Iterator[Row]:
    """The nodes; ``category``, ``xref`` and ``semantic_types`` are lists."""
    curie = graph.mapping.curie
    for node in graph.nodes():
        yield {
            "id": curie(node.id),
            "category": [graph.mapping.category(node.type)],
            "name": node.name,
            "xref": [curie(other) for other in node.xrefs],
            "semantic_types": list(node.semantic_types),
            "entity_type": node.type,
            "mention_count": node.mentions,
            "document_count": node.documents,
        }


def edge_rows(graph: CorpusGraph, publications: str | None = None) -> Iterator[Row]:
    """The edges; ``publications`` lists the documents, each with that prefix before its id.

    Without a prefix the documents are named in the evidence alone. An edge lists at most
    ``_MOST_PUBLICATIONS`` of them.
    """
    documents = _documents(graph) if publications else iter(())
    for edge in graph.edges():
        predicate = graph.mapping.predicate(edge.type)
        ends = (edge.tail, edge.head) if predicate.inverted else (edge.head, edge.tail)
        subject, target = map(graph.mapping.curie, ends)
        yield {
            "id": edge_id(edge.number),
            "subject": subject,
            "predicate": predicate.name,
            "object": target,
            "negated": predicate.negated != (edge.assertion == "negated"),
            "assertion": edge.assertion,
            "original_predicate": edge.type,
            "primary_knowledge_source": SOURCE,
            "knowledge_level": "not_provided",
            "agent_type": "text_mining_agent",
            "publications": [_publication(publications, name) for name in next(documents, ())],
            "evidence_count": edge.mentions,
            "document_count": edge.documents,
            "score": edge.score,
        }


def evidence_rows(graph: CorpusGraph) -> Iterator[Row]:
    """The evidence; offsets are those of the edge's subject and object in the document's text."""
    inverted = {
        edge.number for edge in graph.edges() if graph.mapping.predicate(edge.type).inverted
    }
    for item in graph.evidence():
        head, tail = (item.head_start, item.head_end), (item.tail_start, item.tail_end)
        subject, target = (tail, head) if item.edge in inverted else (head, tail)
        values = (edge_id(item.edge), item.document, item.score, *subject, *target, item.sentence)
        yield dict(zip(EVIDENCE_COLUMNS, values, strict=True))


def _publication(prefix: str | None, name: str) -> str:
    """A CURIE of a document, without the signs that separate the items of a list."""
    return f"{prefix}:{quote(name, safe=_SAFE)}"


def edge_id(number: int) -> str:
    return f"keci-edge-{number}"


def _documents(graph: CorpusGraph) -> Iterator[list[str]]:
    """The distinct documents of each edge, edge by edge."""

    def number(item: Evidence) -> int:
        return item.edge

    for _, group in groupby(graph.evidence(), number):
        names: dict[str, None] = {}
        for item in group:
            if len(names) < _MOST_PUBLICATIONS:
                names[item.document] = None
        yield list(names)
