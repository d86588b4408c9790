"""Annotated texts as PubTator and BioC hold them: mentions with identifiers, relations of these.

A mention may have several identifiers (BioRED: a family name stands for each member). In KECI's
records it becomes one mention for each, whose ``group`` is the identifier; ``rows_of`` puts them
together again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from keci.documents import Extraction, Mention
from keci.errors import DataError

NO_IDENTIFIER = "-"
SEPARATOR = ","


@dataclass(frozen=True, slots=True)
class MentionRow:
    """A typed span; ``text`` is what the file says stands there."""

    start: int
    end: int
    text: str
    type: str
    identifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RelationRow:
    """A relation of a document between two identifiers."""

    type: str
    head: str
    tail: str


@dataclass(frozen=True, slots=True)
class AnnotatedText:
    """A document with its annotation."""

    id: str
    text: str
    mentions: tuple[MentionRow, ...] = ()
    relations: tuple[RelationRow, ...] = ()


def split_identifiers(field: str) -> tuple[str, ...]:
    """The distinct identifiers of a column; none where it is empty or ``-``."""
    names = dict.fromkeys(name.strip() for name in field.split(SEPARATOR))
    return tuple(name for name in names if name not in ("", NO_IDENTIFIER))


def join_identifiers(identifiers: Iterable[str]) -> str:
    return SEPARATOR.join(identifiers) or NO_IDENTIFIER


def check_surfaces(document_id: str, text: str, mentions: Iterable[MentionRow]) -> None:
    """Raise DataError where a mention's text is not what stands at its offsets."""
    for row in mentions:
        if row.end > len(text) or text[row.start : row.end] != row.text:
            place = f"{row.start}:{row.end} in document {document_id!r}"
            raise DataError(f"{row.text!r} is not what stands at {place}")


def mentions_of(text: AnnotatedText) -> Iterator[Mention]:
    """A mention for each identifier of each row, T1, T2, ...; raises DataError on an empty one.

    ``group`` is the identifier, None where there is none or it is the mention's own id.
    """
    number = 0
    for row in text.mentions:
        if row.start >= row.end:
            place = f"{row.start}:{row.end} in document {text.id!r}"
            raise DataError(f"a mention of type {row.type!r} covers no text: {place}")
        surface = text.text[row.start : row.end]
        for identifier in row.identifiers or (None,):
            number += 1
            name = f"T{number}"
            group = None if identifier == name else identifier
            yield Mention(name, row.start, row.end, surface, row.type, group=group)


def identifier_of(mention: Mention) -> str | None:
    """What a mention denotes: its group, else the concept that weighs most, if it has one."""
    best = max(mention.concepts, key=lambda link: link.weight, default=None)
    return mention.group or (best.id if best else None)


def rows_of(extraction: Extraction) -> AnnotatedText:
    """The rows of an extraction, mentions of one span and type as one, each relation once.

    A mention that has no identifier and is in a relation goes by its own id.
    """
    related = {end for item in extraction.relations for end in (item.head, item.tail)}
    names = {
        mention.id: identifier_of(mention) or (mention.id if mention.id in related else None)
        for mention in extraction.mentions
    }
    spans: dict[tuple[int, int, str], list[str]] = {}
    for mention in extraction.mentions:
        name = names[mention.id]
        spans.setdefault((mention.start, mention.end, mention.type), []).extend(
            [name] if name else []
        )
    mentions = tuple(
        MentionRow(start, end, extraction.text[start:end], kind, tuple(dict.fromkeys(identifiers)))
        for (start, end, kind), identifiers in spans.items()
    )
    relations = dict.fromkeys(
        RelationRow(item.type, names[item.head] or "", names[item.tail] or "")
        for item in extraction.relations
    )
    return AnnotatedText(extraction.id, extraction.text, mentions, tuple(relations))
