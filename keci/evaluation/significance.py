"""Whether one system is better than another, and how sure a score is.

Documents are the unit: a resample only adds up counts again that a tally holds per document. A side
of a comparison is one run of a system, or several (seeds) whose F1 is averaged; then another
bootstrap draws runs as well as documents, since other seeds would have given other runs.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import lcm
from statistics import fmean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keci.errors import DataError
from keci.evaluation import Evaluation, Tally
from keci.evaluation.tally import f1_of

RESAMPLES = 10_000
LEVEL = 0.95
_BLOCK_CELLS = 2_000_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A bootstrap percentile interval in percent points of F1."""

    low: float
    high: float

    def to_record(self) -> dict[str, float]:
        return {"low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class Side:
    """F1 in percent of the runs on one side of a comparison."""

    f1s: tuple[float, ...]

    @property
    def f1(self) -> float:
        return fmean(self.f1s)

    @property
    def deviation(self) -> float | None:
        """The sample standard deviation over the runs; None where there is one run alone."""
        return stdev(self.f1s) if len(self.f1s) > 1 else None

    def to_record(self) -> dict[str, Any]:
        return {"f1": self.f1, "deviation": self.deviation, "runs": list(self.f1s)}


@dataclass(frozen=True, slots=True)
class RunsDrawn:
    """The interval of a difference over other documents and other runs, and its p-value."""

    interval: Interval
    p_value: float

    def to_record(self) -> dict[str, float]:
        return {**self.interval.to_record(), "p": self.p_value}


@dataclass(frozen=True, slots=True)
class Comparison:
    """F1 of a baseline and a system on the same documents, and of their difference.

    p-values are two-sided: how often a difference at least as large as the observed one arises
    although there is none. ``with_runs`` is of resamples of runs and documents; None where there
    is one run a side.
    """

    baseline: Side
    system: Side
    interval: Interval
    bootstrap_p: float
    randomisation_p: float
    with_runs: RunsDrawn | None = None

    @property
    def difference(self) -> float:
        return self.system.f1 - self.baseline.f1

    @property
    def p_value(self) -> float:
        """The largest of all tests."""
        drawn = self.with_runs.p_value if self.with_runs else 0.0
        return max(self.bootstrap_p, self.randomisation_p, drawn)

    @property
    def mark(self) -> str:
        return mark_of(self.p_value)

    def to_record(self) -> dict[str, Any]:
        return {
            "baseline": self.baseline.to_record(),
            "system": self.system.to_record(),
            "difference": {"f1": self.difference, **self.interval.to_record()},
            "bootstrap_p": self.bootstrap_p,
            "randomisation_p": self.randomisation_p,
            "with_runs": self.with_runs and self.with_runs.to_record(),
            "mark": self.mark,
        }


def mark_of(p_value: float) -> str:
    """The paper's marks: ``*`` at 95 %, ``†`` at 90 % confidence, else empty."""
    return "*" if p_value < 0.05 else "†" if p_value < 0.1 else ""


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of a family of tests, corrected for their number (Holm 1979), in their order."""
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = largest
    return corrected


def named_tallies(evaluation: Evaluation) -> dict[str, Tally]:
    """The tallies of an evaluation by name; the strict ones where they are not the official."""
    figures = {"": evaluation.official}
    if evaluation.missing_as_false_negative is not None:
        figures["missing_as_false_negative_"] = evaluation.missing_as_false_negative
    if evaluation.strict is not evaluation.official:
        figures["strict_"] = evaluation.strict
    return {
        prefix + kind: tally
        for prefix, both in figures.items()
        for kind, tally in (("entity", both.entity), ("relation", both.relation))
    }


def confidence_interval(
    tally: Tally, *, level: float = LEVEL, resamples: int = RESAMPLES, seed: int
) -> Interval:
    """The interval of F1 over documents drawn with replacement; raises DataError without any."""
    _check_documents(tally)
    counts = tally.counts.astype(np.float64)
    weights = _drawn_weights(counts, resamples, np.random.default_rng(seed))
    drawn = [f1_of(_weighted(counts, block), macro=tally.macro) for block in weights]
    return _interval(np.concatenate(drawn), level)


def compare(
    baseline: Sequence[Evaluation],
    system: Sequence[Evaluation],
    *,
    resamples: int = RESAMPLES,
    seed: int,
) -> dict[str, Comparison]:
    """Compare the runs of two systems on the same documents, figure by figure.

    Raises DataError where the documents or tasks differ, or a side has no run.
    """
    runs = [*baseline, *system]
    if any(
        (run.document_ids, run.schema) != (runs[0].document_ids, runs[0].schema) for run in runs
    ):
        raise DataError("only evaluations of the same documents and task can be compared")
    first, second = [*map(named_tallies, baseline)], [*map(named_tallies, system)]
    return {
        name: compare_tallies(
            [tallies[name] for tallies in first],
            [tallies[name] for tallies in second],
            resamples=resamples,
            seed=seed,
        )
        for name in (first or second or [{}])[0]
    }


def compare_tallies(
    baseline: Sequence[Tally],
    system: Sequence[Tally],
    *,
    resamples: int = RESAMPLES,
    seed: int,
) -> Comparison:
    """Paired bootstrap (Efron and Tibshirani 1993; Berg-Kirkpatrick et al. 2012) and approximate
    randomisation (Yeh 2000) of the difference in mean F1, system less baseline.

    A resample draws documents and takes them for every run; randomisation swaps a document
    between the sides in all runs at once. Raises DataError without documents or runs.
    """
    if not (baseline and system):
        raise DataError("a comparison needs at least one run on either side")
    _check_documents(baseline[0])
    macro = baseline[0].macro
    counts = _on_common_slots(baseline, system)
    (observed,) = _differences(_f1s(counts.sum(axis=0)[None], macro=macro))
    generator = np.random.default_rng(seed)
    runs, choice = (len(baseline), len(system)), np.random.default_rng((seed, 1))
    drawn, over_runs = [], []
    for block in _drawn_weights(counts, resamples, generator):
        f1s = _f1s(_weighted(counts, block), macro=macro)
        drawn.append(_differences(f1s))
        if max(runs) > 1:
            over_runs.append(_differences(_drawn_runs(f1s, runs, choice)))
    masks = _drawn_masks(counts, resamples, generator)
    swapped = [_differences(_f1s(_swapped(counts, block), macro=macro)) for block in masks]
    return Comparison(
        Side(tuple(tally.score().f1 for tally in baseline)),
        Side(tuple(tally.score().f1 for tally in system)),
        interval=_interval(np.concatenate(drawn), LEVEL),
        bootstrap_p=_share_beyond(np.concatenate(drawn) - observed, observed),
        randomisation_p=_share_beyond(np.concatenate(swapped), observed),
        with_runs=_over_runs(np.concatenate(over_runs), observed) if over_runs else None,
    )


def _over_runs(differences: Floats, observed: float) -> RunsDrawn:
    p_value = _share_beyond(differences - observed, observed)
    return RunsDrawn(_interval(differences, LEVEL), p_value)


def _check_documents(tally: Tally) -> None:
    if not len(tally.counts):
        raise DataError("there are no documents to resample")


def _on_common_slots(baseline: Sequence[Tally], system: Sequence[Tally]) -> Floats:
    """Counts (documents, 2, slots, labels, 3) over the labels of all runs.

    Runs are repeated until both sides have equally many; that leaves their means as they are.
    """
    labels = tuple(dict.fromkeys(label for run in (*baseline, *system) for label in run.labels))
    slots = lcm(len(baseline), len(system))
    counts = np.zeros((len(baseline[0].counts), 2, slots, len(labels), 3))
    for side, runs in enumerate((baseline, system)):
        for slot in range(slots):
            tally = runs[slot % len(runs)]
            columns = [labels.index(label) for label in tally.labels]
            counts[:, side, slot, columns] = tally.counts
    return counts


def _drawn_weights(
    counts: Floats, resamples: int, generator: np.random.Generator
) -> Iterator[Floats]:
    """How often each document is drawn: blocks of (resamples, documents)."""
    documents = len(counts)
    for size in _block_sizes(counts, resamples):
        drawn = generator.integers(documents, size=(size, documents))
        drawn += np.arange(size)[:, None] * documents
        found = np.bincount(drawn.ravel(), minlength=size * documents)
        yield found.reshape(size, documents).astype(np.float64)


def _drawn_masks(
    counts: Floats, resamples: int, generator: np.random.Generator
) -> Iterator[Floats]:
    """Which documents change sides (1): blocks of (resamples, documents)."""
    for size in _block_sizes(counts, resamples):
        yield generator.integers(2, size=(size, len(counts))).astype(np.float64)


def _block_sizes(counts: Floats, resamples: int) -> Iterator[int]:
    block = max(_BLOCK_CELLS // max(len(counts), counts[0].size), 1)
    for start in range(0, resamples, block):
        yield min(block, resamples - start)


def _weighted(counts: Floats, weights: Floats) -> Floats:
    """Totals (resamples, ...) of the counts (documents, ...), each taken as often as drawn."""
    totals: Floats = np.tensordot(weights, counts, axes=1)
    return totals


def _swapped(counts: Floats, masks: Floats) -> Floats:
    """Totals (resamples, 2, slots, labels, 3) after the masked documents changed sides."""
    totals: Floats = counts.sum(axis=0) + _weighted(counts[:, ::-1] - counts, masks)
    return totals


def _f1s(totals: Floats, *, macro: bool) -> Floats:
    """F1 (2, resamples, slots) of both sides, of totals (resamples, 2, slots, labels, 3)."""
    return np.moveaxis(f1_of(totals, macro=macro), 1, 0)


def _differences(f1s: Iterable[Floats]) -> Floats:
    """Differences (resamples,) of the two sides' means over runs, second side less first."""
    first, second = (side.mean(axis=-1) for side in f1s)
    differences: Floats = second - first
    return differences


def _drawn_runs(
    f1s: Iterable[Floats], runs: tuple[int, int], generator: np.random.Generator
) -> list[Floats]:
    """As many runs of each side as it has (its first slots), drawn with replacement."""
    return [
        np.take_along_axis(side, generator.integers(count, size=(len(side), count)), axis=-1)
        for side, count in zip(f1s, runs, strict=True)
    ]


def _share_beyond(differences: Floats, observed: float) -> float:
    """The share of differences at least as large as the observed one, itself counted in."""
    beyond = np.abs(differences) >= abs(observed) - 1e-9
    return float((beyond.sum() + 1) / (len(beyond) + 1))


def _interval(values: Floats, level: float) -> Interval:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
