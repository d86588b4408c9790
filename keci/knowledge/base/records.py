"""What a source says about a concept, before it is compiled."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ConceptRecord:
    """A concept as one source, or several merged ones, describe it.

    ``symbols`` are names whose case matters (gene symbols, cell lines), ``related`` are names that
    denote something near the concept. ``sources`` are the ids of all merged source concepts,
    ``xrefs`` ids in vocabularies outside the knowledge base. A lower ``priority`` ranks first
    where a name denotes several concepts.
    """

    id: str
    name: str
    types: tuple[str, ...]
    symbols: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    definition: str = ""
    sources: tuple[str, ...] = ()
    xrefs: tuple[str, ...] = ()
    priority: int = 0
    name_is_symbol: bool = False


@dataclass(frozen=True, slots=True)
class RelationRecord:
    """``head`` stands in ``relation`` to ``tail``: (mitochondrion, cell, part_of)."""

    head: str
    tail: str
    relation: str


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """Where knowledge comes from and under which terms it may be used."""

    key: str
    title: str
    version: str
    licence: str
    url: str
    concepts: int = 0
    names: int = 0
    relations: int = 0
    definitions: int = 0

    def to_record(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "title": self.title,
            "version": self.version,
            "licence": self.licence,
            "url": self.url,
            "concepts": self.concepts,
            "names": self.names,
            "relations": self.relations,
            "definitions": self.definitions,
        }


@dataclass(frozen=True, slots=True)
class SourceData:
    """All that one source contributes.

    ``same_as`` pairs ids that denote one concept; ``definitions`` and ``names`` add (id, text) to
    concepts of any source. ``aliases`` are (foreign id, id): other sources may speak of a concept
    by its id in a vocabulary that does not enter.
    """

    source: SourceRecord
    concepts: tuple[ConceptRecord, ...]
    relations: tuple[RelationRecord, ...] = ()
    same_as: tuple[tuple[str, str], ...] = ()
    definitions: tuple[tuple[str, str], ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()


def all_names(concept: ConceptRecord) -> Iterable[str]:
    """The names of a concept, preferred one first, each once."""
    return dict.fromkeys(
        (concept.name, *concept.symbols, *concept.synonyms, *concept.related)
    ).keys()
