"""How sure a model was of what it found in a text, and the texts in which it was least sure."""

import heapq
from collections.abc import Iterable, Iterator

from keci.documents import Extraction, Mention, Relation


def certainty(extraction: Extraction) -> float:
    """The smallest margin among what was found: 0 for a toss-up, 1 where nothing is in doubt.

    The margin of a mention or relation is how far its score is from even, |2 score - 1|; a
    mention's score is that of its type, where that is known. A text in which nothing was found, or
    without scores, counts as sure: what was nearly found left no trace.

    >>> certainty(Extraction("1", "Rash", (Mention("T1", 0, 4, "Rash", "Effect", 0.75),)))
    0.5
    """
    found: tuple[Mention | Relation, ...] = (*extraction.mentions, *extraction.relations)
    scores = map(score_of, found)
    return min((abs(2 * score - 1) for score in scores if score is not None), default=1.0)


def score_of(found: Mention | Relation) -> float | None:
    """The score of a relation or of a mention's type; that of a mention without the latter."""
    if isinstance(found, Mention) and found.type_score is not None:
        return found.type_score
    return found.score


def least_certain(extractions: Iterable[Extraction], count: int) -> Iterator[Extraction]:
    """The ``count`` least certain of any number of extractions, the least certain one first.

    Those of one certainty come as they are read. No more than ``count`` are in memory.
    """
    ranked = ((certainty(item), number, item) for number, item in enumerate(extractions))
    yield from (item for *_, item in heapq.nsmallest(count, ranked))
