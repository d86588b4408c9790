"""From what sources say to a compiled knowledge base: identities, merging, tables, folder."""

import re
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from keci.knowledge.folder import Description, Manifest, write_folder
from keci.knowledge.merge import IdentityGroups, merge_concepts
from keci.knowledge.normalise import name_keys
from keci.knowledge.records import (
    ConceptRecord,
    RelationRecord,
    SourceData,
    SourceRecord,
    all_names,
)
from keci.knowledge.semantic_types import GROUP_OF_TYPE, TYPE_NAMES
from keci.knowledge.stop_words import STOP_WORDS
from keci.knowledge.tables import TableBuilder, is_acronym

_LOWER_CASE_WORD = re.compile(r"(?<![\w-])[a-z]{2,}(?![\w-])")
_MIN_WORD_COUNT = 3


class BuildClock:
    """Measures a build from its beginning; what it says is no part of a base's identity."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def record(self) -> dict[str, Any]:
        """Seconds since the beginning, the peak memory of this process, the version of KECI."""
        return {
            "seconds": round(time.monotonic() - self._started, 1),
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
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
    concepts = _merged_concepts(read, aliases, same_as)
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
) -> list[ConceptRecord]:
    source_of = {concept.id: source.source.key for source in read for concept in source.concepts}
    groups = IdentityGroups[str](source_of.__getitem__)
    for source in read:
        for first, second in source.same_as:
            target = aliases.get(second, second)
            if first in source_of and target in source_of:
                groups.join(first, target)
    for first, second in chain(same_as, _same_names(read)):
        groups.join(first, second)
    return merge_concepts(_enriched_concepts(read, aliases), groups)


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
