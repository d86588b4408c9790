"""Counts of right, wrong and missed predictions, and the scores that follow from them."""

from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1 in percent (0..100); each is 0 where it is undefined."""

    tp: int
    fp: int
    fn: int

    @property
    def precision(self) -> float:
        return 100 * self.tp / max(self.tp + self.fp, 1)

    @property
    def recall(self) -> float:
        return 100 * self.tp / max(self.tp + self.fn, 1)

    @property
    def f1(self) -> float:
        return 200 * self.tp / max(2 * self.tp + self.fp + self.fn, 1)

    def to_record(self) -> dict[str, Any]:
        counts = {"tp": self.tp, "fp": self.fp, "fn": self.fn}
        return {**counts, "precision": self.precision, "recall": self.recall, "f1": self.f1}


@dataclass(frozen=True, slots=True)
class MacroScore:
    """Means over the types, in percent (0..100); F1 is the mean of the types' F1."""

    scores: tuple[Score, ...]

    @property
    def precision(self) -> float:
        return fmean(score.precision for score in self.scores) if self.scores else 0.0

    @property
    def recall(self) -> float:
        return fmean(score.recall for score in self.scores) if self.scores else 0.0

    @property
    def f1(self) -> float:
        return fmean(score.f1 for score in self.scores) if self.scores else 0.0

    def to_record(self) -> dict[str, Any]:
        return {"precision": self.precision, "recall": self.recall, "f1": self.f1}


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """What was counted, document by document.

    ``counts`` is (documents, labels, 3): true positives, false positives, false negatives. A
    ``macro`` tally averages over the labels that occur, any other sums over all of them.
    """

    labels: tuple[str, ...]
    counts: NDArray[np.int64]
    macro: bool = False

    def score(self) -> Score | MacroScore:
        """The score of all documents together."""
        if self.macro:
            return MacroScore(tuple(self.by_label().values()))
        return _score(self.counts.sum(axis=(0, 1)))

    def by_label(self) -> dict[str, Score]:
        """The score of each label that was annotated or predicted at all."""
        totals = self.counts.sum(axis=0)
        return {
            label: _score(total)
            for label, total in zip(self.labels, totals, strict=True)
            if total.any()
        }


def f1_of(totals: NDArray[np.float64], *, macro: bool) -> NDArray[np.float64]:
    """F1 (...,) in percent of many totals (..., labels, 3) at once, each as ``Tally.score``."""
    if not macro:
        return _f1(totals.sum(axis=-2))
    num_occurring = totals.any(axis=-1).sum(axis=-1)
    mean: NDArray[np.float64] = _f1(totals).sum(axis=-1) / np.maximum(num_occurring, 1)
    return mean


def _f1(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    tp, fp, fn = np.moveaxis(counts, -1, 0)
    f1: NDArray[np.float64] = 200 * tp / np.maximum(2 * tp + fp + fn, 1)
    return f1


def _score(counts: NDArray[np.int64]) -> Score:
    tp, fp, fn = (int(count) for count in counts)
    return Score(tp, fp, fn)
