"""Concepts of several sources that denote the same thing become one, traceably."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeVar

from keci.knowledge.records import ConceptRecord
from keci.knowledge.semantic_types import specific_types


class _Identity(Hashable, Protocol):
    def __lt__(self, other: Any, /) -> bool: ...


Identity = TypeVar("Identity", bound=_Identity)


class IdentityGroups(Generic[Identity]):
    """Groups of concept ids that denote one thing; no group holds two ids of one source.

    That rule caps transitive growth: a chain of cross-references that would join two concepts
    which one source keeps apart is cut at its last link. ``source_of`` names the source of an id.
    """

    def __init__(self, source_of: Callable[[Identity], str]) -> None:
        self._source_of = source_of
        self._group_of: dict[Identity, dict[str, Identity]] = {}
        self.refused = 0

    def join(self, first: Identity, second: Identity) -> bool:
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

    def members(self, identity: Identity) -> tuple[Identity, ...]:
        """All ids of the group of ``identity``, sorted; itself alone if it was never joined."""
        group = self._group_of.get(identity)
        return (identity,) if group is None else tuple(sorted(group.values()))

    def _group(self, identity: Identity) -> dict[str, Identity]:
        group = self._group_of.get(identity)
        if group is None:
            group = self._group_of[identity] = {self._source_of(identity): identity}
        return group


def merge_concepts(
    concepts: Iterable[ConceptRecord], groups: IdentityGroups[str]
) -> list[ConceptRecord]:
    """One concept per group, named after its member of lowest priority; sorted by priority, id."""
    collected: dict[tuple[str, ...], list[ConceptRecord]] = defaultdict(list)
    for concept in concepts:
        collected[groups.members(concept.id)].append(concept)
    merged = [merge_records(members) for members in collected.values()]
    return sorted(merged, key=lambda concept: (concept.priority, concept.id))


def merge_records(members: Sequence[ConceptRecord]) -> ConceptRecord:
    """One concept of several records; the one of lowest priority gives id and preferred name."""
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
        sources=_distinct(*((member.id, *member.sources) for member in (first, *others))),
        xrefs=_distinct(first.xrefs, *(other.xrefs for other in others)),
    )


def _distinct(*parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for part in parts for item in part))
