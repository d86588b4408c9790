"""Exact match of typed spans, and of relations whose two typed spans match exactly.

Relations of a symmetric type have no direction. A relation of a mention with itself is no pair of
mentions and takes no part.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

import numpy as np

from keci.documents import Extraction, Mention
from keci.evaluation.tally import Tally
from keci.schema import TaskSchema

Keys = dict[str, set[Hashable]]
"""What a document says, by type; two documents agree where their keys are equal."""

Pair = tuple[Extraction, Extraction | None]
"""A gold document and its prediction, if there is one."""


def tally_mentions(schema: TaskSchema, pairs: Sequence[Pair], *, macro: bool) -> Tally:
    """Count mentions by span and type; a document without prediction is all missed."""
    return tally_keys(schema.entity_types, _keys(pairs, mention_keys), macro=macro)


def tally_relations(schema: TaskSchema, pairs: Sequence[Pair], *, macro: bool) -> Tally:
    """Count relations by type and by span and type of both ends; no prediction is all missed."""
    symmetric = {relation.name for relation in schema.relation_types if relation.symmetric}

    def keys(extraction: Extraction) -> Keys:
        return relation_keys(extraction, symmetric)

    return tally_keys(schema.relation_labels[1:], _keys(pairs, keys), macro=macro)


def mention_keys(extraction: Extraction) -> Keys:
    """The distinct spans of each type."""
    keys: Keys = defaultdict(set)
    for mention in extraction.mentions:
        keys[mention.type].add((mention.start, mention.end))
    return keys


def relation_keys(extraction: Extraction, symmetric: set[str]) -> Keys:
    """The distinct pairs of typed spans of each relation type."""
    ends = {mention.id: _typed_span(mention) for mention in extraction.mentions}
    keys: Keys = defaultdict(set)
    for relation in extraction.relations:
        pair = (ends[relation.head], ends[relation.tail])
        if relation.head != relation.tail:
            ordered = tuple(sorted(pair)) if relation.type in symmetric else pair
            keys[relation.type].add(ordered)
    return keys


def _typed_span(mention: Mention) -> tuple[int, int, str]:
    return mention.start, mention.end, mention.type


def tally_keys(
    known_labels: tuple[str, ...], keys: Sequence[tuple[Keys, Keys]], *, macro: bool = False
) -> Tally:
    """Count what each document's gold and predicted keys share; other labels are added."""
    foreign = {label for both in keys for side in both for label in side} - {*known_labels}
    labels = (*known_labels, *sorted(foreign))
    counts = np.zeros((len(keys), len(labels), 3), np.int64)
    for row, (gold, predicted) in enumerate(keys):
        for column, label in enumerate(labels):
            counts[row, column] = count_sets(gold.get(label, set()), predicted.get(label, set()))
    return Tally(labels, counts, macro=macro)


def _keys(pairs: Sequence[Pair], keys_of: Callable[[Extraction], Keys]) -> list[tuple[Keys, Keys]]:
    return [
        (keys_of(gold), {} if predicted is None else keys_of(predicted))
        for gold, predicted in pairs
    ]


def count_sets(gold: set[Hashable], predicted: set[Hashable]) -> tuple[int, int, int]:
    """How many are in both, in the prediction alone, in the gold alone."""
    return len(gold & predicted), len(predicted - gold), len(gold - predicted)
