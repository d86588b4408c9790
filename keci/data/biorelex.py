"""BioRelEx json (Khachatrian et al. 2019): entities with several names, each with its mentions.

Names whose ``is_mentioned`` is false take no part, as in the official script.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

from keci.data.gold import GoldDocument, Interaction
from keci.documents import Extraction, Mention, Relation
from keci.errors import DataError
from keci.formats.fields import checked, field, identifier, indexed

RELATION_TYPES = {1: "bind", 0: "unclear", -1: "no-bind"}
"""What the label of an interaction means."""


@dataclass(frozen=True, slots=True)
class _Entity:
    """An entity as annotated; ``spans`` are (name, start, end)."""

    type: str
    names: tuple[str, ...]
    spans: tuple[tuple[str, int, int], ...]


def read_sentence(record: Any) -> GoldDocument:
    """One annotated sentence; raises DataError where the record is not what the format promises."""
    return _read(record, field(record, "text", str), identifier(record, "paperid"))


def read_predicted_sentence(record: Any, known_text: str | None) -> Extraction:
    """One predicted sentence; its text may be left out when ``known_text`` gives it.

    An entity with one mention that interacts with itself becomes a relation of that mention with
    itself. Raises DataError.
    """
    stated = known_text is None or "text" in record
    text = field(record, "text", str) if stated else known_text
    extraction = _read(record, text or "", "").extraction
    relations = (*extraction.relations, *_self_relations(record, extraction))
    return replace(extraction, relations=relations)


def _read(record: Any, text: str, split_key: str) -> GoldDocument:
    entities = tuple(_read_entity(item, len(text)) for item in field(record, "entities", list))
    mentions = tuple(_mentions(entities))
    interactions = [_read_ends(item, entities) for item in field(record, "interactions", list)]
    relations = _relations(mentions, interactions)
    return GoldDocument(
        Extraction(identifier(record, "id"), text, mentions, relations),
        tuple(
            Interaction(entities[head].names, entities[tail].names, label)
            for head, tail, label in interactions
        ),
        split_key,
    )


def _read_entity(record: Any, text_length: int) -> _Entity:
    names = {
        name: field(item, "mentions", list)
        for name, item in field(record, "names", dict).items()
        if field(item, "is_mentioned", bool)
    }
    spans = tuple(
        (name, *_read_span(span, name, text_length))
        for name, items in names.items()
        for span in items
    )
    return _Entity(field(record, "label", str), tuple(names), spans)


def _read_span(span: Any, name: str, text_length: int) -> tuple[int, int]:
    bounds = checked(span, "mentions", list)
    if len(bounds) != 2:
        raise DataError(f"a mention of {name!r} must be [start, end], got {bounds}")
    start, end = (checked(bound, "mentions", int) for bound in bounds)
    if not 0 <= start < end <= text_length:
        raise DataError(
            f"{name!r} at {start}:{end} lies outside a text of {text_length} characters"
        )
    return start, end


def _read_ends(record: Any, entities: tuple[_Entity, ...]) -> tuple[int, int, str]:
    """The positions of an interaction's two entities, and its relation type."""
    ends = field(record, "participants", list)
    if len(ends) != 2:
        raise DataError(f"an interaction must have two participants, got {ends}")
    for end in ends:
        indexed(entities, end, "participants")
    label = field(record, "label", int)
    if label not in RELATION_TYPES:
        raise DataError(f"an interaction's label must be one of 1, 0 and -1, got {label}")
    return ends[0], ends[1], RELATION_TYPES[label]


def _mentions(entities: tuple[_Entity, ...]) -> Iterator[Mention]:
    """The distinct mentions in the order of the text; a span may belong to two entities."""
    found = {
        (start, end, position, name)
        for position, entity in enumerate(entities)
        for name, start, end in entity.spans
    }
    for number, (start, end, position, name) in enumerate(sorted(found), start=1):
        entity_type, group = entities[position].type, _group(position)
        yield Mention(f"T{number}", start, end, name, entity_type, group=group)


def _relations(
    mentions: tuple[Mention, ...], interactions: list[tuple[int, int, str]]
) -> tuple[Relation, ...]:
    """One relation for each pair of mentions of two interacting entities and each type."""
    members: dict[str | None, list[Mention]] = {}
    for mention in mentions:
        members.setdefault(mention.group, []).append(mention)
    found: dict[tuple[str, str, str], None] = {}
    order = {mention.id: position for position, mention in enumerate(mentions)}
    for head, tail, label in interactions:
        heads, tails = members.get(_group(head), []), members.get(_group(tail), [])
        pairs = combinations(heads, 2) if head == tail else product(heads, tails)
        for pair in pairs:
            first, second = sorted((mention.id for mention in pair), key=order.__getitem__)
            found[first, second, label] = None
    return tuple(Relation(f"R{number}", *ends) for number, ends in enumerate(found, start=1))


def _self_relations(record: Any, extraction: Extraction) -> Iterator[Relation]:
    count = len(extraction.relations)
    for item in record["interactions"]:
        head, tail = item["participants"]
        alone = [mention for mention in extraction.mentions if mention.group == _group(head)]
        if head == tail and len(alone) == 1:
            count += 1
            label = RELATION_TYPES[item["label"]]
            yield Relation(f"R{count}", alone[0].id, alone[0].id, label)


def _group(position: int) -> str:
    return f"E{position + 1}"
