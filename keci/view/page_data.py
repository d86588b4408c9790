"""What a page shows, gathered from extractions as plain values that JSON can hold.

Concepts and types are written once and named by their number. Offsets are those of JavaScript,
which counts UTF-16 units; ``at`` keeps the record's own for the reader.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from keci.documents import ASSERTIONS, ConceptLink, Extraction, Mention, Relation
from keci.knowledge.base.vocabulary import TYPE_NAMES
from keci.schema import BUILT_IN_SCHEMAS
from keci.view.homepages import home_page

TITLE_LENGTH = 140
NUM_COLOURS = 8
Define = Callable[[str], str | None]
"""The definition of the concept with an id, where there is one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a finding compares with gold data; ``gold_type`` is told where the types differ."""

    status: str
    gold_type: str | None = None


Verdicts = Mapping[str, Verdict]
"""By the id of a mention or relation of one document."""


class Colours(NamedTuple):
    """Numbers of colours by entity type and by relation type, which may have one name."""

    entities: Mapping[str, int]
    relations: Mapping[str, int]


@dataclass
class PageData:
    """Gathers documents one by one; ``to_record`` is what the page reads."""

    define: Define | None = None
    _documents: list[dict[str, Any]] = field(default_factory=list)
    _entity_types: dict[str, int] = field(default_factory=dict)
    _relation_types: dict[str, int] = field(default_factory=dict)
    _concepts: dict[str, int] = field(default_factory=dict)
    _concept_records: list[dict[str, Any]] = field(default_factory=list)
    _assertions: set[str] = field(default_factory=set)
    _statuses: dict[str, None] = field(default_factory=dict)

    def add(self, extraction: Extraction, verdicts: Verdicts | None = None) -> None:
        """Take a document, with what a comparison says of its findings."""
        offset_of = utf16_offsets(extraction.text)
        verdicts = verdicts or {}
        record = {
            "id": extraction.id,
            "text": extraction.text,
            "mentions": [
                self._mention(mention, offset_of, verdicts.get(mention.id))
                for mention in extraction.mentions
            ],
            "relations": [
                self._relation(relation, verdicts.get(relation.id))
                for relation in extraction.relations
            ],
        }
        title = _title(extraction)
        self._documents.append(record | ({"title": title} if title else {}))

    def to_record(self) -> dict[str, Any]:
        undirected = undirected_types(self._relation_types)
        asserted = [name for name in ASSERTIONS if name in self._assertions]
        used = {code for concept in self._concept_records for code in concept["types"]}
        return {
            "documents": self._documents,
            "entityTypes": [{"name": name} for name in self._entity_types],
            "relationTypes": [
                {"name": name, "undirected": name in undirected} for name in self._relation_types
            ],
            "concepts": self._concept_records,
            "semanticTypes": {code: TYPE_NAMES[code] for code in sorted(used & TYPE_NAMES.keys())},
            "assertions": asserted if len(asserted) > 1 else [],
            "statuses": list(self._statuses),
        }

    @property
    def counts(self) -> tuple[int, int, int]:
        """The numbers of documents, entities and relations."""
        mentions = sum(len(document["mentions"]) for document in self._documents)
        relations = sum(len(document["relations"]) for document in self._documents)
        return len(self._documents), mentions, relations

    @property
    def colours(self) -> "Colours":
        """The numbers of the colours that the page's scripts give to types."""
        entities, relations = self._entity_types, self._relation_types
        return Colours(
            {name: number % NUM_COLOURS for name, number in entities.items()},
            {name: (len(entities) + at) % NUM_COLOURS for name, at in relations.items()},
        )

    def _mention(
        self, mention: Mention, offset_of: Callable[[int], int], verdict: Verdict | None
    ) -> dict[str, Any]:
        types = self._entity_types
        shown = {
            "id": mention.id,
            "start": offset_of(mention.start),
            "end": offset_of(mention.end),
            "at": [mention.start, mention.end],
            "type": _number(types, mention.type),
            "score": mention.score,
            "typeScore": mention.type_score,
            "context": mention.context_weight,
            "concepts": [[self._concept(link), link.weight] for link in mention.concepts],
            **self._judged(mention.assertion, types, verdict),
        }
        return {name: value for name, value in shown.items() if value is not None}

    def _relation(self, relation: Relation, verdict: Verdict | None) -> dict[str, Any]:
        types = self._relation_types
        shown = {
            "id": relation.id,
            "head": relation.head,
            "tail": relation.tail,
            "type": _number(types, relation.type),
            "score": relation.score,
            **self._judged(relation.assertion, types, verdict),
        }
        return {name: value for name, value in shown.items() if value is not None}

    def _judged(
        self, assertion: str, types: dict[str, int], verdict: Verdict | None
    ) -> dict[str, Any]:
        self._assertions.add(assertion)
        if verdict is None:
            return {"assertion": assertion}
        self._statuses[verdict.status] = None
        gold_type = None if verdict.gold_type is None else _number(types, verdict.gold_type)
        return {"assertion": assertion, "status": verdict.status, "goldType": gold_type}

    def _concept(self, link: ConceptLink) -> int:
        known = self._concepts.get(link.id)
        if known is not None:
            return known
        self._concept_records.append(
            {
                "id": link.id,
                "name": link.name,
                "types": list(link.types),
                "url": home_page(link.id),
                "definition": self.define(link.id) if self.define else None,
                "xrefs": [
                    {"id": other, "url": home_page(other)}
                    for other in link.xrefs
                    if other != link.id
                ],
            }
        )
        return _number(self._concepts, link.id)


def gather(extractions: Iterable[Extraction], *, define: Define | None = None) -> PageData:
    """The data of a page with all of these documents."""
    data = PageData(define)
    for extraction in extractions:
        data.add(extraction)
    return data


def utf16_offsets(text: str) -> Callable[[int], int]:
    """Turns offsets in code points into offsets in UTF-16 units.

    >>> utf16_offsets("a𝛼b")(2)
    3
    """
    if text.isascii():
        return lambda offset: offset
    wide = [index for index, sign in enumerate(text) if ord(sign) > 0xFFFF]
    return lambda offset: offset + sum(index < offset for index in wide)


def undirected_types(names: Iterable[str]) -> frozenset[str]:
    """The names that a built-in task, to which all of them belong, has as symmetric relations."""
    asked = set(names)
    for schema in BUILT_IN_SCHEMAS.values():
        if asked <= {relation.name for relation in schema.relation_types}:
            return frozenset(item.name for item in schema.relation_types if item.symmetric)
    return frozenset()


def _number(numbers: dict[str, int], name: str) -> int:
    return numbers.setdefault(name, len(numbers))


def _title(extraction: Extraction) -> str:
    """Title, journal and year, of what the record keeps."""
    metadata = extraction.metadata or {}
    parts = [str(metadata[key]) for key in ("title", "journal", "year") if metadata.get(key)]
    return " · ".join(part[:TITLE_LENGTH] for part in parts)
