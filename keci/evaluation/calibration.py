"""Whether scores can be read as probabilities: the share that is right among things of one score.

A mention's score says that its span is a mention at all, so it is right where the span is
annotated, whatever its type. A relation is right where two mentions with the spans of its ends are
annotated with a relation of its type (and direction, where the type has one).
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from keci.documents import Extraction
from keci.evaluation.strict import Pair
from keci.schema import TaskSchema

BINS = 10

Judged = Iterator[tuple[float, bool]]
"""A score, and whether what has it is right."""

RelationKey = tuple[str, tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Bin:
    """Things with a score from ``low`` to ``high``: their number, mean score and share right."""

    low: float
    high: float
    count: int
    mean_score: float
    right: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """The bins that are not empty, by rising score, and the expected calibration error.

    The error is the mean distance of mean score and share right over the bins, weighted by their
    counts (Guo et al. 2017), between 0 and 1.
    """

    bins: tuple[Bin, ...]
    error: float

    def to_record(self) -> dict[str, Any]:
        return {"error": self.error, "bins": [asdict(item) for item in self.bins]}


def calibration_of(judged: Iterable[tuple[float, bool]]) -> Calibration:
    """Bins of equal width over scores in 0..1; the highest one holds 1 too."""
    pairs = np.array([*judged], np.float64).reshape(-1, 2)
    scores, right = pairs.T
    rows = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    bins = tuple(
        Bin(
            row / BINS,
            (row + 1) / BINS,
            int((rows == row).sum()),
            float(scores[rows == row].mean()),
            float(right[rows == row].mean()),
        )
        for row in np.unique(rows).tolist()
    )
    distances = (item.count * abs(item.mean_score - item.right) for item in bins)
    return Calibration(bins, sum(distances) / max(len(scores), 1))


def judged_mentions(pairs: Iterable[Pair]) -> Judged:
    """The mentions that have a score."""
    for gold, predicted in _predicted(pairs):
        spans = {(mention.start, mention.end) for mention in gold.mentions}
        for mention in predicted.mentions:
            if mention.score is not None:
                yield mention.score, (mention.start, mention.end) in spans


def judged_relations(schema: TaskSchema, pairs: Iterable[Pair]) -> Judged:
    """The relations that have a score."""
    symmetric = {relation.name for relation in schema.relation_types if relation.symmetric}
    for gold, predicted in _predicted(pairs):
        annotated = {key for key, _ in _relations(gold, symmetric)}
        for key, score in _relations(predicted, symmetric):
            if score is not None:
                yield score, key in annotated


def _predicted(pairs: Iterable[Pair]) -> Iterator[tuple[Extraction, Extraction]]:
    """The documents that have a prediction."""
    for gold, predicted in pairs:
        if predicted is not None:
            yield gold, predicted


def _relations(
    extraction: Extraction, symmetric: set[str]
) -> Iterator[tuple[RelationKey, float | None]]:
    spans = {mention.id: (mention.start, mention.end) for mention in extraction.mentions}
    for relation in extraction.relations:
        head, tail = spans[relation.head], spans[relation.tail]
        if relation.type in symmetric and tail < head:
            head, tail = tail, head
        yield (relation.type, head, tail), relation.score
