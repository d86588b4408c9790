"""Gold annotation as labels of candidate spans and of pairs of kept spans."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from keci.batch import PreparedText, find_keys, offset_keys, span_keys
from keci.data.concepts import concept_of
from keci.documents import Extraction
from keci.knowledge.vocabularies import Indices
from keci.schema import TaskSchema

UNKNOWN = -100
"""Label of what nobody annotated; torch's cross-entropy leaves it out."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Labels of a batch.

    ``entity_labels`` is (spans,), and ``span_concepts`` (spans,) numbers what each gold mention
    denotes, -1 elsewhere; ``relation_keys`` (gold pairs,), ascending, are ``head span * spans +
    tail span`` and ``relation_labels`` (gold pairs,) their labels.
    """

    entity_labels: Tensor
    span_concepts: Tensor
    relation_keys: Tensor
    relation_labels: Tensor

    def to(self, device: torch.device) -> "Targets":
        return Targets(
            self.entity_labels.to(device),
            self.span_concepts.to(device),
            self.relation_keys.to(device),
            self.relation_labels.to(device),
        )

    def kept_entity_labels(self, kept_spans: Tensor) -> Tensor:
        """Labels (kept,) of the kept spans."""
        return self.entity_labels[kept_spans]

    def pair_labels(self, kept_spans: Tensor, pair_heads: Tensor, pair_tails: Tensor) -> Tensor:
        """Labels (pairs,) of ordered pairs of kept spans; 0 where gold has no relation."""
        heads, tails = kept_spans[pair_heads], kept_spans[pair_tails]
        keys = pair_keys(heads, tails, len(self.entity_labels))
        labels = torch.where(self.entity_labels[heads] == UNKNOWN, UNKNOWN, 0)
        found, rows = find_pairs(self.relation_keys, keys)
        labels[found] = self.relation_labels[rows]
        return labels

    def pair_bags(self, kept_spans: Tensor, pair_heads: Tensor, pair_tails: Tensor) -> Tensor:
        """Bag (pairs,) of each pair: those of the same two gold concepts share one.

        A pair with an end that is no gold mention has a bag of its own.
        """
        heads = self.span_concepts[kept_spans[pair_heads]]
        tails = self.span_concepts[kept_spans[pair_tails]]
        concepts = self.span_concepts.max() + 1
        alone = concepts * concepts + torch.arange(len(heads), device=heads.device)
        return torch.where((heads >= 0) & (tails >= 0), heads * concepts + tails, alone)


def pair_keys(heads: Tensor, tails: Tensor, spans: int) -> Tensor:
    """One integer for each pair of candidate spans of a batch that has so many: (pairs,)."""
    return heads * spans + tails


def find_pairs(keys: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Which of the ``wanted`` keys (pairs,) are among ``keys``, which ascend, and their rows
    (found,) there.
    """
    if not len(keys):
        return torch.zeros_like(wanted, dtype=torch.bool), wanted[:0]
    rows = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
    found = keys[rows] == wanted
    return found, rows[found]


def build_targets(
    texts: Sequence[PreparedText], gold: Sequence[Extraction | None], schema: TaskSchema
) -> Targets:
    """Labels for the texts of a batch from their gold annotation, in the same order.

    A mention that is no candidate span and types outside the schema have no label. Where a span
    or pair has several types, the one that the schema names first is the label. Spans of a text
    whose annotation is None are UNKNOWN, and so are its pairs.
    """
    keys = span_keys(texts)
    span_concepts = np.full(len(keys), -1, dtype=np.int64)
    concepts: dict[tuple[int, tuple[str, ...]], int] = {}
    entity_labels = np.zeros(len(keys), dtype=np.int64)
    relations: dict[int, int] = {}
    splits = np.cumsum([0, *(len(text.spans) for text in texts)])
    for row, extraction in enumerate(gold):
        if extraction is None:
            entity_labels[splits[row] : splits[row + 1]] = UNKNOWN
            continue
        spans = _mention_spans(keys, row, extraction)
        for span, mention in zip(spans.tolist(), extraction.mentions, strict=True):
            label = _label(schema.entity_labels, mention.type)
            if span >= 0 and label:
                entity_labels[span] = _first(int(entity_labels[span]), label)
        for span, names in _names_by_span(spans, extraction).items():
            span_concepts[span] = concepts.setdefault((row, names), len(concepts))
        ids = [mention.id for mention in extraction.mentions]
        indices = dict(zip(ids, spans.tolist(), strict=True))
        for relation in extraction.relations:
            label = _label(schema.relation_labels, relation.type)
            head, tail = indices[relation.head], indices[relation.tail]
            if label and head >= 0 and tail >= 0:
                symmetric = schema.relation_types[label - 1].symmetric
                ordered = ((head, tail), (tail, head)) if symmetric else ((head, tail),)
                for first, second in ordered:
                    key = first * len(keys) + second
                    relations[key] = _first(relations.get(key, 0), label)
    ascending = sorted(relations)
    return Targets(
        torch.from_numpy(entity_labels),
        torch.from_numpy(span_concepts),
        torch.tensor(ascending, dtype=torch.int64),
        torch.tensor([relations[key] for key in ascending], dtype=torch.int64),
    )


def _names_by_span(spans: Indices, extraction: Extraction) -> dict[int, tuple[str, ...]]:
    """The concepts of each candidate span that is a mention: several where it has several groups.

    A mention without a group denotes what others of the same text do.
    """
    names: dict[int, set[str]] = defaultdict(set)
    for span, mention in zip(spans.tolist(), extraction.mentions, strict=True):
        if span >= 0:
            names[span].add(concept_of(mention))
    return {span: tuple(sorted(found)) for span, found in names.items()}


def _mention_spans(keys: Indices, row: int, extraction: Extraction) -> Indices:
    offsets = np.array([(m.start, m.end) for m in extraction.mentions], dtype=np.int64)
    offsets = offsets.reshape(-1, 2)
    rows = np.full(len(offsets), row)
    return find_keys(keys, offset_keys(rows, offsets[:, 0], offsets[:, 1]))


def _label(labels: Sequence[str], name: str) -> int:
    return labels.index(name) if name in labels else 0


def _first(known: int, label: int) -> int:
    return min(known, label) if known else label
