"""From what sources say to a compiled knowledge base: identities, merging, tables, folder."""

import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from keci.knowledge.base.folder import Description, Manifest, write_folder
from keci.knowledge.base.records import (
    ConceptRecord,
    RelationRecord,
    SourceData,
    SourceRecord,
    all_names,
)
from keci.knowledge.base.tables import TableBuilder, is_acronym
from keci.knowledge.base.vocabulary import GROUP_OF_TYPE, TYPE_NAMES, specific_types
from keci.knowledge.linking.normalise import STOP_WORDS, name_keys

_LOWER_CASE_WORD = re.compile(r"(?<![\w-])[a-z]{2,}(?![\w-])")
_MIN_WORD_COUNT = 3


def peak_memory_mb() -> int | None:
    """The most memory that this process took; None on Windows, which does not tell."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1 << 20 if sys.platform == "darwin" else 1 << 10)  # bytes there, else kilobytes


class BuildClock:
    """Measures a build from its beginning; what it says is no part of a base's identity."""

    def __init__(self) -> None:
        self.links_not_followed = 0
        self._started = time.monotonic()

    def record(self) -> dict[str, Any]:
        """What the build says of itself.

        Seconds since the beginning, the peak memory of this process, the version of KECI, and the
        links between concepts that were not followed.
        """
        return {
            "links_not_followed": self.links_not_followed,
            "seconds": round(time.monotonic() - self._started, 1),
            "peak_memory_mb": peak_memory_mb(),
            "keci": version("keci"),
        }


def compile_sources(
    read: Sequence[SourceData],
    folder: Path,
    *,
    name: str,
    clock: BuildClock,
    report: Callable[[str], None],
    same_as: Iterable[tuple[str, str]] = (),
) -> Manifest:
    """Merge the concepts of sources and write them to ``folder``.

    ``same_as`` adds pairs of ids to what the sources declare identical. ``report`` is told each
    step.
    """
    report("merging concepts")
    aliases = _aliases(read)
    concepts, clock.links_not_followed = _merged_concepts(read, aliases, same_as)
    report("indexing names")
    relations = tuple(_relations(read, aliases))
    kept_types = {code for concept in concepts for code in concept.types}
    type_names = {code: name for code, name in TYPE_NAMES.items() if code in kept_types}
    relation_names = tuple(sorted({record.relation for record in relations}))
    builder = TableBuilder(
        type_codes=tuple(type_names),
        relation_names=relation_names,
        common_words=common_words(concept.definition for concept in concepts),
    )
    for concept in concepts:
        builder.add(concept)
    tables = builder.finish(relations)
    report("writing")
    description = Description(name, type_names, relation_names, tuple(map(_counted, read)))
    return write_folder(tables, folder, description=description, build=clock.record)


def common_words(definitions: Iterable[str]) -> frozenset[str]:
    """The English words that definitions write in lower case, and those of the stop list."""
    counts: Counter[str] = Counter()
    for definition in definitions:
        counts.update(_LOWER_CASE_WORD.findall(definition))
    frequent = {word for word, count in counts.items() if count >= _MIN_WORD_COUNT}
    return frozenset(frequent | {word.lower() for word in STOP_WORDS})


def _aliases(read: Sequence[SourceData]) -> dict[str, str]:
    """Foreign ids that stand for exactly one concept."""
    owners: dict[str, set[str]] = defaultdict(set)
    for source in read:
        for foreign, identity in source.aliases:
            owners[foreign].add(identity)
    return {foreign: found.pop() for foreign, found in owners.items() if len(found) == 1}


def _merged_concepts(
    read: Sequence[SourceData],
    aliases: Mapping[str, str],
    same_as: Iterable[tuple[str, str]],
) -> tuple[list[ConceptRecord], int]:
    """The concepts, and how many links between them were not followed."""
    source_of = {concept.id: source.source.key for source in read for concept in source.concepts}
    groups = IdentityGroups[str](source_of.__getitem__)
    for source in read:
        for first, second in source.same_as:
            target = aliases.get(second, second)
            if first in source_of and target in source_of:
                groups.join(first, target)
    for first, second in chain(same_as, _same_names(read)):
        groups.join(first, second)
    return merge_concepts(_enriched_concepts(read, aliases), groups), len(groups.refused)


def _same_names(read: Sequence[SourceData]) -> Iterator[tuple[str, str]]:
    """Pairs of concepts of equal preferred name and semantic group, each alone in its source."""
    owners: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for source in read:
        for concept in source.concepts:
            if concept.name_is_symbol:
                continue
            keys = name_keys(concept.name)
            for group in {GROUP_OF_TYPE[code] for code in concept.types if code in GROUP_OF_TYPE}:
                owners[group, keys[-1] if keys else ""][source.source.key].append(concept.id)
    for (_, key), by_source in owners.items():
        alone = [identities[0] for identities in by_source.values() if len(identities) == 1]
        if key:
            yield from pairwise(alone)


def _enriched_concepts(
    read: Sequence[SourceData], aliases: Mapping[str, str]
) -> Iterator[ConceptRecord]:
    """The concepts with the definitions and names that other files and sources add."""
    definitions: dict[str, str] = {}
    names: dict[str, list[str]] = defaultdict(list)
    for source in read:
        definitions |= dict(source.definitions)
        for identity, name in source.names:
            names[aliases.get(identity, identity)].append(name)
    for source in read:
        for concept in source.concepts:
            added = names.get(concept.id, [])
            yield replace(
                concept,
                definition=concept.definition or definitions.get(concept.id, ""),
                symbols=(*concept.symbols, *(name for name in added if is_acronym(name))),
                synonyms=(*concept.synonyms, *(name for name in added if not is_acronym(name))),
            )


def _relations(read: Sequence[SourceData], aliases: Mapping[str, str]) -> Iterator[RelationRecord]:
    for source in read:
        for record in source.relations:
            head, tail = (
                aliases.get(record.head, record.head),
                aliases.get(record.tail, record.tail),
            )
            yield RelationRecord(head, tail, record.relation)


def _counted(source: SourceData) -> SourceRecord:
    described = {identity for identity, _ in source.definitions}
    return replace(
        source.source,
        concepts=len(source.concepts),
        names=sum(len(tuple(all_names(concept))) for concept in source.concepts),
        relations=len(source.relations),
        definitions=sum(
            bool(concept.definition) or concept.id in described for concept in source.concepts
        ),
    )


class _Identity(Hashable, Protocol):
    def __lt__(self, other: Any, /) -> bool: ...


Identity = TypeVar("Identity", bound=_Identity)


class IdentityGroups(Generic[Identity]):
    """Groups of concept ids that denote one thing; no group holds two ids of one source.

    That rule caps transitive growth: a chain of cross-references that would join two concepts
    which one source keeps apart is cut at its last link; ``refused`` has these links.
    ``source_of`` names the source of an id.
    """

    def __init__(self, source_of: Callable[[Identity], str]) -> None:
        self._source_of = source_of
        self._group_of: dict[Identity, dict[str, Identity]] = {}
        self.refused: set[tuple[Identity, ...]] = set()

    def join(self, first: Identity, second: Identity) -> bool:
        """Put two ids into one group; False where a source would enter it twice."""
        one, other = self._group(first), self._group(second)
        if one is other:
            return True
        if one.keys() & other.keys():
            self.refused.add(tuple(sorted((first, second))))
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
