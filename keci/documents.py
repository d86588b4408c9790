"""Texts and what is said about them: gold annotation and extraction share these records.

Offsets are Unicode code points into the document's text, half-open: ``text[start:end]``
is exactly what a mention covers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from keci.errors import DataError

Assertion = Literal["present", "negated", "speculated"]
ASSERTIONS: tuple[Assertion, ...] = ("present", "negated", "speculated")
"""What a text says of a finding: that it is so, that it is not, that it may be."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text with the identifier that its source gave it.

    ``metadata`` is what the source says beside the text, such as title, journal and year; two
    documents are equal whatever it is.
    """

    id: str
    text: str
    metadata: Mapping[str, Any] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ConceptLink:
    """A knowledge-base concept that a mention may denote, with its attention weight (Eq 8).

    ``xrefs`` are its ids in other vocabularies, as far as the knowledge base knows them.
    """

    id: str
    name: str
    types: tuple[str, ...]
    weight: float
    xrefs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mention:
    """A typed span of text.

    ``score`` is the probability that it is a mention at all, ``type_score`` that of ``type``.
    ``concepts`` stand by how likely they are meant, the best first; their weights and
    ``context_weight`` (the sentinel's share, Eq 8) sum to one, or less where candidates were left
    out. ``assertion`` is what the text says of it. ``group`` is used by gold data alone: mentions
    of one entity share it.
    """

    id: str
    start: int
    end: int
    text: str
    type: str
    score: float | None = None
    concepts: tuple[ConceptLink, ...] = ()
    context_weight: float | None = None
    group: str | None = None
    type_score: float | None = None
    assertion: Assertion = "present"

    @property
    def concept(self) -> ConceptLink | None:
        """The concept that it denotes, as far as can be told: the first one."""
        return self.concepts[0] if self.concepts else None


@dataclass(frozen=True, slots=True)
class Relation:
    """A typed link from the mention with id ``head`` to the one with id ``tail``.

    ``assertion`` is what the text says of it.
    """

    id: str
    head: str
    tail: str
    type: str
    score: float | None = None
    assertion: Assertion = "present"


@dataclass(frozen=True, slots=True)
class Extraction:
    """A document with its mentions and relations: one line of jsonl.

    ``metadata`` is the document's.
    """

    id: str
    text: str
    mentions: tuple[Mention, ...] = ()
    relations: tuple[Relation, ...] = ()
    metadata: Mapping[str, Any] | None = field(default=None, hash=False)

    @property
    def document(self) -> Document:
        return Document(self.id, self.text, self.metadata)

    def _repr_html_(self) -> str:
        """The page of this extraction in a frame, for the cell of a notebook."""
        from keci.view.notebook import notebook_html

        return notebook_html(self)

    def to_dict(self) -> dict[str, Any]:
        """The record as plain dictionaries, as the jsonl output has it.

        >>> Extraction("a", "Rash").to_dict()
        {'id': 'a', 'text': 'Rash', 'entities': [], 'relations': []}
        """
        return self.to_record()

    def to_record(self) -> dict[str, Any]:
        """The record as plain dictionaries, absent values left out."""
        record = {
            "id": self.id,
            "text": self.text,
            "entities": [_mention_record(mention) for mention in self.mentions],
            "relations": [_relation_record(relation) for relation in self.relations],
        }
        return record | ({"metadata": dict(self.metadata)} if self.metadata else {})

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Extraction":
        """Read a record; raises DataError where a field is missing, mistyped or untrue."""
        document_id, text = _text_field(record, "id"), _text_field(record, "text")
        mentions = tuple(_read_mention(item, text) for item in _list_field(record, "entities"))
        relations = tuple(map(_read_relation, _list_field(record, "relations")))
        return _with_known_ends(cls(document_id, text, mentions, relations, _metadata(record)))

    def checked(self) -> "Extraction":
        """The same; raises DataError where a mention does not stand in the text, or ids are wrong.

        For what was read from a format that anyone may have edited.
        """
        for mention in self.mentions:
            _check_span(mention.start, mention.end, mention.text, self.text)
        return _with_known_ends(self)


@dataclass(frozen=True, slots=True)
class Failure:
    """A record that could not be processed: where it came from and why.

    ``position`` is the 1-based ordinal of the record in ``source``; ``id`` is empty where none
    could be read; ``excerpt`` holds the beginning of the offending input. ``original`` is all of it
    where it is small, in the input format ``format``.
    """

    source: str
    position: int
    id: str
    reason: str
    excerpt: str = field(default="")
    original: bytes = field(default=b"", repr=False)
    format: str = field(default="", repr=False)


def _mention_record(mention: Mention) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": mention.id,
        "start": mention.start,
        "end": mention.end,
        "text": mention.text,
        "type": mention.type,
    }
    if mention.score is not None:
        record["score"] = mention.score
    if mention.type_score is not None:
        record["type_score"] = mention.type_score
    record["assertion"] = mention.assertion
    if mention.concepts or mention.context_weight is not None:
        record["concepts"] = [_concept_record(link) for link in mention.concepts]
    if mention.context_weight is not None:
        record["context_weight"] = mention.context_weight
    if mention.group is not None:
        record["group"] = mention.group
    return record


def _concept_record(link: ConceptLink) -> dict[str, Any]:
    record = {"id": link.id, "name": link.name, "types": list(link.types), "weight": link.weight}
    return record | ({"xrefs": list(link.xrefs)} if link.xrefs else {})


def _relation_record(relation: Relation) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": relation.id,
        "head": relation.head,
        "tail": relation.tail,
        "type": relation.type,
    }
    if relation.score is not None:
        record["score"] = relation.score
    record["assertion"] = relation.assertion
    return record


def _read_mention(record: Mapping[str, Any], text: str) -> Mention:
    start, end = _integer_field(record, "start"), _integer_field(record, "end")
    _check_span(start, end, record.get("text", text[start:end]), text)
    return Mention(
        id=_text_field(record, "id"),
        start=start,
        end=end,
        text=text[start:end],
        type=_text_field(record, "type"),
        score=_optional_number(record, "score"),
        concepts=tuple(_read_concept(item) for item in _list_field(record, "concepts")),
        context_weight=_optional_number(record, "context_weight"),
        group=None if record.get("group") is None else _text_field(record, "group"),
        type_score=_optional_number(record, "type_score"),
        assertion=_assertion(record),
    )


def _check_span(start: int, end: int, surface: object, text: str) -> None:
    if not 0 <= start < end <= len(text):
        raise DataError(
            f"entity offsets {start}:{end} lie outside a text of {len(text)} characters"
        )
    if surface != text[start:end]:
        raise DataError(f"entity text {surface!r} is not text[{start}:{end}] = {text[start:end]!r}")


def _with_known_ends(extraction: Extraction) -> Extraction:
    """The same; raises DataError where ids are not unique, or a relation names none of them."""
    known = {mention.id for mention in extraction.mentions}
    if len(known) != len(extraction.mentions):
        raise DataError(f"document {extraction.id!r}: two entities share one id")
    for relation in extraction.relations:
        for end in (relation.head, relation.tail):
            if end not in known:
                raise DataError(
                    f"relation {relation.id!r} names the entity {end!r}, which is not there"
                )
    return extraction


def _read_concept(record: Mapping[str, Any]) -> ConceptLink:
    return ConceptLink(
        _text_field(record, "id"),
        _text_field(record, "name"),
        tuple(_list_field(record, "types")),
        _optional_number(record, "weight") or 0.0,
        tuple(_list_field(record, "xrefs")),
    )


def _read_relation(record: Mapping[str, Any]) -> Relation:
    return Relation(
        id=_text_field(record, "id"),
        head=_text_field(record, "head"),
        tail=_text_field(record, "tail"),
        type=_text_field(record, "type"),
        score=_optional_number(record, "score"),
        assertion=_assertion(record),
    )


def _assertion(record: Mapping[str, Any]) -> Assertion:
    """What a record says of itself; older ones say nothing, which means "present"."""
    value = record.get("assertion")
    if value is None:
        return "present"
    if value not in ASSERTIONS:
        raise DataError(f"the field 'assertion' must be one of {ASSERTIONS}, got {value!r}")
    return cast(Assertion, value)


def _metadata(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    value = record.get("metadata")
    if value is not None and not isinstance(value, Mapping):
        raise DataError(f"the field 'metadata' must be an object, got {type(value).__name__}")
    return value or None


def _field(record: Mapping[str, Any], name: str) -> Any:
    if not isinstance(record, Mapping):
        raise DataError(f"expected an object with the field {name!r}, got {type(record).__name__}")
    if name not in record:
        raise DataError(f"the field {name!r} is missing; there are {sorted(record)}")
    return record[name]


def _text_field(record: Mapping[str, Any], name: str) -> str:
    value = _field(record, name)
    if not isinstance(value, str):
        raise DataError(f"the field {name!r} must be a string, got {type(value).__name__}")
    return value


def _integer_field(record: Mapping[str, Any], name: str) -> int:
    value = _field(record, name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise DataError(f"the field {name!r} must be an integer, got {value!r}")
    return value


def _optional_number(record: Mapping[str, Any], name: str) -> float | None:
    value = record.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise DataError(f"the field {name!r} must be a number, got {value!r}")
    return value


def _list_field(record: Mapping[str, Any], name: str) -> list[Any]:
    value = record.get(name, [])
    if not isinstance(value, list):
        raise DataError(f"the field {name!r} must be a list, got {type(value).__name__}")
    return value
