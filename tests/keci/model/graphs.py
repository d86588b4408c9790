"""Random documents as plain lists, and the same documents as one ragged batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from keci.config import ModelConfig
from keci.text.name_kinds import kind_count
from keci.text.spans import pooling_blocks
from keci.training.targets import Targets

ENCODER_WIDTH = 6


@dataclass(frozen=True, slots=True)
class Shape:
    """How much of everything a random document has; ``span_share`` of its spans are candidates."""

    tokens: int
    nodes: int = 0
    edges: int = 0
    candidates: int = 0
    span_share: float = 1.0


@dataclass(frozen=True, slots=True)
class DocumentGraph:
    """One document: spans (start, end), edges (head, tail, relation), candidates (span, node).

    All numbers count from the document's first token, span or node. ``relations`` are the gold
    labels of ordered pairs of spans.
    """

    token_states: Tensor
    spans: list[tuple[int, int]]
    node_types: list[list[int]]
    node_vectors: Tensor
    edges: list[tuple[int, int, int]]
    candidates: list[tuple[int, int]]
    labels: list[int]
    relations: dict[tuple[int, int], int]
    span_names: list[int]
    span_sentences: list[int]


def random_document(config: ModelConfig, shape: Shape, seed: int) -> DocumentGraph:
    chance = torch.Generator().manual_seed(seed)

    def below(limit: int) -> int:
        return int(torch.randint(limit, (), generator=chance))

    spans = [
        (start, end)
        for start in range(shape.tokens)
        for end in range(start + 1, min(start + config.max_span_pieces, shape.tokens) + 1)
        if float(torch.rand((), generator=chance)) < shape.span_share
    ]
    types = len(config.semantic_types)
    edges = {
        (below(shape.nodes), below(shape.nodes), below(len(config.graph_relations)))
        for _ in range(shape.edges if shape.nodes else 0)
    }
    candidates = {
        (below(len(spans)), below(shape.nodes))
        for _ in range(shape.candidates if spans and shape.nodes else 0)
    }
    relations = {(below(len(spans)), below(len(spans))): below(3) for _ in spans}
    return DocumentGraph(
        token_states=torch.randn(shape.tokens, ENCODER_WIDTH, generator=chance),
        spans=spans,
        node_types=[[below(types) for _ in range(below(3))] for _ in range(shape.nodes)],
        node_vectors=torch.randn(shape.nodes, config.vector_width, generator=chance),
        edges=sorted(edges, key=lambda edge: edge[2]),
        candidates=sorted(candidates),
        labels=[below(3) for _ in spans],
        relations=relations,
        span_names=[below(kind_count(types)) for _ in spans],
        span_sentences=sorted(below(3) for _ in spans),
    )


def ragged(documents: Sequence[DocumentGraph]) -> dict[str, Tensor]:
    """The tensors of stages.TENSORS that the span network reads."""
    tokens = _firsts([len(document.token_states) for document in documents])
    blocks = pooling_blocks(np.diff(tokens))
    spans = _firsts([len(document.spans) for document in documents])
    nodes = _firsts([len(document.node_types) for document in documents])
    numbered = list(enumerate(documents))
    edges = sorted(
        (relation, nodes[row] + tail, nodes[row] + head)
        for row, document in numbered
        for head, tail, relation in document.edges
    )
    types = [types for document in documents for types in document.node_types]
    return {
        "token_states": torch.cat([document.token_states for document in documents]),
        "token_splits": torch.tensor(tokens),
        "pooling_starts": torch.from_numpy(blocks.starts),
        "pooling_slots": torch.from_numpy(blocks.slots),
        "span_starts": _flat([tokens[r] + s for r, d in numbered for s, _ in d.spans]),
        "span_ends": _flat([tokens[r] + e for r, d in numbered for _, e in d.spans]),
        "span_splits": torch.tensor(spans),
        "span_names": _flat([name for d in documents for name in d.span_names]),
        "span_sentences": _flat([row for d in documents for row in d.span_sentences]),
        "node_types_splits": torch.tensor(_firsts([len(codes) for codes in types])),
        "node_types": _flat([code for codes in types for code in codes]),
        "node_vectors": torch.cat([document.node_vectors for document in documents]),
        "edge_heads": _flat([head for _, _, head in edges]),
        "edge_tails": _flat([tail for _, tail, _ in edges]),
        "edge_relations": _flat([relation for relation, _, _ in edges]),
        "candidate_spans": _flat([spans[r] + s for r, d in numbered for s, _ in d.candidates]),
        "candidate_nodes": _flat([nodes[r] + n for r, d in numbered for _, n in d.candidates]),
    }


def ragged_targets(documents: Sequence[DocumentGraph]) -> Targets:
    spans = _firsts([len(document.spans) for document in documents])
    relations = {
        (spans[row] + head) * spans[-1] + spans[row] + tail: label
        for row, document in enumerate(documents)
        for (head, tail), label in document.relations.items()
    }
    keys = sorted(relations)
    labels = [label for document in documents for label in document.labels]
    concepts = _flat([index if label else -1 for index, label in enumerate(labels)])
    found = _flat([relations[key] for key in keys])
    return Targets(_flat(labels), concepts, _flat(keys), found)


def _firsts(counts: Sequence[int]) -> list[int]:
    return [sum(counts[:row]) for row in range(len(counts) + 1)]


def _flat(values: Sequence[int]) -> Tensor:
    return torch.tensor(values, dtype=torch.int64)
