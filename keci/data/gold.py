"""Annotated documents: what a model is trained on and scored against."""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from keci.documents import Extraction, Mention
from keci.formats.annotated import Remark
from keci.schema import TaskSchema

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Interaction:
    """A relation between two entities, each given by all its mentioned names.

    A BioRED concept has its identifier for a name.
    """

    head_names: tuple[str, ...]
    tail_names: tuple[str, ...]
    type: str


@dataclass(frozen=True, slots=True)
class GoldDocument:
    """An annotated document.

    ``extraction`` holds every distinct annotation, so a span may occur with two types and a pair
    of mentions with two relation types; a mention that denotes several concepts is there once for
    each. ``interactions`` repeats the relations as annotated
    between entities, including what no pair of mentions can show: an entity with one mention that
    interacts with itself, and a repeated interaction. Documents with one ``split_key`` stay
    together when data are split. ``remarks`` tell what the reader left out or took otherwise.
    """

    extraction: Extraction
    interactions: tuple[Interaction, ...]
    split_key: str
    remarks: tuple[Remark, ...] = field(default=(), compare=False)

    @property
    def id(self) -> str:
        return self.extraction.id


@dataclass(frozen=True, slots=True)
class GoldDataset:
    """The documents of one task; ``layout`` names that of the file they come from."""

    schema: TaskSchema
    documents: tuple[GoldDocument, ...]
    layout: str = field(default="", compare=False)


def unknown_types(schema: TaskSchema, extractions: Iterable[Extraction]) -> Counter[str]:
    """How often each entity or relation type occurs that the schema does not have."""
    unknown: Counter[str] = Counter()
    for extraction in extractions:
        unknown.update(
            mention.type
            for mention in extraction.mentions
            if mention.type not in schema.entity_types
        )
        unknown.update(
            relation.type
            for relation in extraction.relations
            if relation.type not in schema.relation_labels[1:]
        )
    return unknown


def warn_of_unknown_types(
    path: Path, schema: TaskSchema, extractions: Iterable[Extraction]
) -> None:
    """Report in the log the types that occur in a file and that the schema does not have."""
    unknown = unknown_types(schema, extractions)
    if unknown:
        counts = ", ".join(f"{name} ({count})" for name, count in sorted(unknown.items()))
        message = "%s: types that the schema %r does not have, kept for scoring: %s"
        _LOGGER.warning(message, path, schema.name, counts)


def group_of(mention: Mention) -> str:
    """The entity that a mention belongs to: its group, or else everything of the same text."""
    return f"text:{mention.text}" if mention.group is None else f"group:{mention.group}"


def entity_interactions(extraction: Extraction) -> tuple[Interaction, ...]:
    """The relations between mentions as interactions between entities (see ``group_of``).

    One interaction per unordered pair of entities and relation type, in the order of the relations.
    """
    names = _names_by_group(extraction.mentions)
    groups = {mention.id: group_of(mention) for mention in extraction.mentions}
    found: dict[tuple[frozenset[str], str], Interaction] = {}
    for relation in extraction.relations:
        head, tail = groups[relation.head], groups[relation.tail]
        interaction = Interaction(names[head], names[tail], relation.type)
        found.setdefault((frozenset((head, tail)), relation.type), interaction)
    return tuple(found.values())


def _names_by_group(mentions: Iterable[Mention]) -> dict[str, tuple[str, ...]]:
    names: dict[str, dict[str, None]] = {}
    for mention in mentions:
        names.setdefault(group_of(mention), {})[mention.text] = None
    return {group: tuple(texts) for group, texts in names.items()}
