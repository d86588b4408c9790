"""Whether one set of predictions is better than another, and how sure a score is.

Documents are the unit: a resample only adds up counts again that a tally holds per document.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keci.errors import DataError
from keci.training.scoring import Evaluation, Tally
from keci.training.scoring.tally import f1_of

RESAMPLES = 10_000
LEVEL = 0.95
_BLOCK_CELLS = 2_000_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A bootstrap percentile interval in percent points of F1."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """F1 of two sets of predictions on the same documents, in percent.

    Both p-values are two-sided: how often a difference at least as large as the observed one
    arises although there is none.
    """

    first_f1: float
    second_f1: float
    difference: Interval
    bootstrap_p: float
    randomisation_p: float

    def to_record(self) -> dict[str, Any]:
        return asdict(self)


def confidence_interval(
    tally: Tally, *, level: float = LEVEL, resamples: int = RESAMPLES, seed: int
) -> Interval:
    """The interval of F1 over documents drawn with replacement; raises DataError without any."""
    _check_documents(tally)
    counts = tally.counts.astype(np.float64)
    drawn = np.concatenate(
        [
            f1_of(np.tensordot(weights, counts, axes=1), macro=tally.macro)
            for weights in _drawn_weights(len(counts), resamples, np.random.default_rng(seed))
        ]
    )
    return _interval(drawn, level)


def compare(
    first: Evaluation, second: Evaluation, *, resamples: int = RESAMPLES, seed: int
) -> dict[str, Comparison]:
    """Compare two evaluations of the same documents figure by figure.

    Raises DataError where the documents differ.
    """
    if first.document_ids != second.document_ids or first.schema != second.schema:
        raise DataError("only evaluations of the same documents and task can be compared")
    figures = {
        "entity": (first.official.entity, second.official.entity),
        "relation": (first.official.relation, second.official.relation),
        "strict entity": (first.strict.entity, second.strict.entity),
        "strict relation": (first.strict.relation, second.strict.relation),
    }
    return {
        name: compare_tallies(*tallies, resamples=resamples, seed=seed)
        for name, tallies in figures.items()
    }


def compare_tallies(
    first: Tally, second: Tally, *, resamples: int = RESAMPLES, seed: int
) -> Comparison:
    """Paired bootstrap (Efron and Tibshirani 1993; Berg-Kirkpatrick et al. 2012) and approximate
    randomisation (Yeh 2000) of the difference in F1, second less first.

    Raises DataError without documents.
    """
    _check_documents(first)
    both = _on_common_labels(first, second)
    scores = f1_of(both.sum(axis=1), macro=first.macro)
    observed = float(scores[1] - scores[0])
    generator = np.random.default_rng(seed)
    weights = _drawn_weights(both.shape[1], resamples, generator)
    drawn = _differences(both, weights, _resampled, macro=first.macro)
    masks = _drawn_masks(both.shape[1], resamples, generator)
    swapped = _differences(both, masks, _swapped, macro=first.macro)
    return Comparison(
        first_f1=float(scores[0]),
        second_f1=float(scores[1]),
        difference=_interval(drawn, LEVEL),
        bootstrap_p=_share_beyond(drawn - observed, observed),
        randomisation_p=_share_beyond(swapped, observed),
    )


def _check_documents(tally: Tally) -> None:
    if not len(tally.counts):
        raise DataError("there are no documents to resample")


def _on_common_labels(first: Tally, second: Tally) -> Floats:
    """Counts (2, documents, labels, 3) over the labels of either tally."""
    labels = tuple(dict.fromkeys((*first.labels, *second.labels)))
    both = np.zeros((2, len(first.counts), len(labels), 3))
    for side, tally in enumerate((first, second)):
        both[side][:, [labels.index(label) for label in tally.labels]] = tally.counts
    return both


def _drawn_weights(
    documents: int, resamples: int, generator: np.random.Generator
) -> Iterator[Floats]:
    """How often each document is drawn: blocks of (resamples, documents)."""
    for size in _block_sizes(documents, resamples):
        drawn = generator.integers(documents, size=(size, documents))
        drawn += np.arange(size)[:, None] * documents
        counts = np.bincount(drawn.ravel(), minlength=size * documents)
        yield counts.reshape(size, documents).astype(np.float64)


def _drawn_masks(
    documents: int, resamples: int, generator: np.random.Generator
) -> Iterator[Floats]:
    """Which documents change sides (1): blocks of (resamples, documents)."""
    for size in _block_sizes(documents, resamples):
        yield generator.integers(2, size=(size, documents)).astype(np.float64)


def _block_sizes(documents: int, resamples: int) -> Iterator[int]:
    block = max(_BLOCK_CELLS // documents, 1)
    for start in range(0, resamples, block):
        yield min(block, resamples - start)


def _differences(
    both: Floats,
    blocks: Iterator[Floats],
    totals_of: Callable[[Floats, Floats], tuple[Floats, Floats]],
    *,
    macro: bool,
) -> Floats:
    """Differences (resamples,) in F1 between the two totals that each row of a block gives."""
    differences = []
    for block in blocks:
        first, second = totals_of(both, block)
        differences.append(f1_of(second, macro=macro) - f1_of(first, macro=macro))
    return np.concatenate(differences)


def _resampled(both: Floats, weights: Floats) -> tuple[Floats, Floats]:
    return np.tensordot(weights, both[0], axes=1), np.tensordot(weights, both[1], axes=1)


def _swapped(both: Floats, masks: Floats) -> tuple[Floats, Floats]:
    moved = np.tensordot(masks, both[1] - both[0], axes=1)
    return both[0].sum(axis=0) + moved, both[1].sum(axis=0) - moved


def _share_beyond(differences: Floats, observed: float) -> float:
    """The share of differences at least as large as the observed one, itself counted in."""
    beyond = np.abs(differences) >= abs(observed) - 1e-9
    return float((beyond.sum() + 1) / (len(beyond) + 1))


def _interval(values: Floats, level: float) -> Interval:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
