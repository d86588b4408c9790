"""How much an extraction depends on what else is in a batch."""

from collections.abc import Iterable

from keci.documents import Extraction


def largest_change(some: Iterable[Extraction], others: Iterable[Extraction]) -> float:
    """Largest difference of a score between two readings of the same documents.

    A mention or relation that only one reading has counts as 1.
    """
    changes = [
        _change(_scores(one), _scores(other)) for one, other in zip(some, others, strict=True)
    ]
    return max(changes, default=0.0)


def _change(
    some: dict[tuple[object, ...], float], others: dict[tuple[object, ...], float]
) -> float:
    if some.keys() != others.keys():
        return 1.0
    return max((abs(some[key] - others[key]) for key in some), default=0.0)


def _scores(extraction: Extraction) -> dict[tuple[object, ...], float]:
    places = {m.id: (m.start, m.end, m.type) for m in extraction.mentions}
    scores: dict[tuple[object, ...], float] = {
        places[mention.id]: mention.score or 0.0 for mention in extraction.mentions
    }
    for relation in extraction.relations:
        key = (places[relation.head], places[relation.tail], relation.type)
        scores[key] = relation.score or 0.0
    return scores
