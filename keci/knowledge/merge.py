"""Concepts of several sources that denote the same thing become one, traceably."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from keci.knowledge.records import ConceptRecord
from keci.knowledge.semantic_types import specific_types


class IdentityGroups:
    """Groups of concept ids that denote one thing; no group holds two ids of one source.

    That rule caps transitive growth: a chain of cross-references that would join two concepts
    which one source keeps apart is cut at its last link.
    """

    def __init__(self, source_of: Mapping[str, str]) -> None:
        self._source_of = source_of
        self._group_of: dict[str, dict[str, str]] = {}
        self.refused = 0

    def join(self, first: str, second: str) -> bool:
        """Put two ids into one group; False where a source would enter it twice."""
        one, other = self._group(first), self._group(second)
        if one is other:
            return True
        if one.keys() & other.keys():
            self.refused += 1
            return False
        small, large = sorted((one, other), key=len)
        large.update(small)
        for member in small.values():
            self._group_of[member] = large
        return True

    def members(self, identity: str) -> tuple[str, ...]:
        """All ids of the group of ``identity``, sorted."""
        return tuple(sorted(self._group(identity).values()))

    def _group(self, identity: str) -> dict[str, str]:
        group = self._group_of.get(identity)
        if group is None:
            group = self._group_of[identity] = {self._source_of[identity]: identity}
        return group


def merge_concepts(
    concepts: Iterable[ConceptRecord], groups: IdentityGroups
) -> list[ConceptRecord]:
    """One concept per group, named after its member of lowest priority; sorted by priority, id."""
    collected: dict[tuple[str, ...], list[ConceptRecord]] = defaultdict(list)
    for concept in concepts:
        collected[groups.members(concept.id)].append(concept)
    merged = [_merge(members) for members in collected.values()]
    return sorted(merged, key=lambda concept: (concept.priority, concept.id))


def _merge(members: Sequence[ConceptRecord]) -> ConceptRecord:
    if len(members) == 1:
        return members[0]
    first, *others = sorted(members, key=lambda concept: (concept.priority, concept.id))
    other_symbols = [concept.name for concept in others if concept.name_is_symbol]
    other_names = [concept.name for concept in others if not concept.name_is_symbol]
    return replace(
        first,
        types=specific_types(code for member in members for code in member.types),
        symbols=_distinct(first.symbols, other_symbols, *(other.symbols for other in others)),
        synonyms=_distinct(first.synonyms, other_names, *(other.synonyms for other in others)),
        related=_distinct(first.related, *(other.related for other in others)),
        definition=next(
            (member.definition for member in (first, *others) if member.definition), ""
        ),
        sources=tuple(concept.id for concept in (first, *others)),
        xrefs=_distinct(first.xrefs, *(other.xrefs for other in others)),
    )


def _distinct(*parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for part in parts for item in part))
