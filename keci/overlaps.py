"""Doubles: overlapping mentions of types that annotated data never let overlap."""

from collections.abc import Collection, Iterable, Sequence

from keci.documents import Extraction

Span = tuple[int, int, str, float]
"""Start, end, type and score of a mention."""


def without_doubles(mentions: Sequence[Span], allowed: Collection[tuple[str, str]]) -> list[int]:
    """Positions of the mentions that stay, ascending.

    A mention goes where one of a higher score stays that it overlaps, unless their types, sorted,
    are among ``allowed``; of equal scores the earlier, then the longer one stays.

    >>> without_doubles([(0, 4, "drug", 0.9), (2, 6, "drug", 0.8)], [("drug", "effect")])
    [0]
    """
    order = sorted(
        range(len(mentions)),
        key=lambda at: (-mentions[at][3], mentions[at][0], -mentions[at][1], mentions[at][2]),
    )
    near = _neighbours(mentions)
    gone: set[int] = set()
    for at in order:
        if at not in gone:
            gone |= {
                other
                for other in near[at]
                if other not in gone and not _may_overlap(mentions[at], mentions[other], allowed)
            }
    return [at for at in range(len(mentions)) if at not in gone]


def overlapping_types(
    extractions: Iterable[Extraction], types: Collection[str]
) -> tuple[tuple[str, str], ...]:
    """The pairs of ``types``, each sorted, whose mentions overlap in annotated documents.

    Mentions of one span and type count as one: annotated data may repeat them for each concept.
    """
    found: set[tuple[str, str]] = set()
    for extraction in extractions:
        spans = {
            (item.start, item.end, item.type, 1.0)
            for item in extraction.mentions
            if item.type in types
        }
        mentions = sorted(spans)
        for at, others in enumerate(_neighbours(mentions)):
            found |= {_pair(mentions[at], mentions[other]) for other in others}
    return tuple(sorted(found))


def _neighbours(mentions: Sequence[Span]) -> list[list[int]]:
    """The positions of the mentions that each one overlaps."""
    near: list[list[int]] = [[] for _ in mentions]
    open_ones: list[int] = []
    for at in sorted(range(len(mentions)), key=lambda at: mentions[at][0]):
        open_ones = [other for other in open_ones if mentions[other][1] > mentions[at][0]]
        for other in open_ones:
            near[at].append(other)
            near[other].append(at)
        open_ones.append(at)
    return near


def _may_overlap(first: Span, second: Span, allowed: Collection[tuple[str, str]]) -> bool:
    return _pair(first, second) in allowed


def _pair(first: Span, second: Span) -> tuple[str, str]:
    return min(first[2], second[2]), max(first[2], second[2])
