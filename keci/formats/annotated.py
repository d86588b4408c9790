"""Annotated texts as PubTator and BioC hold them: mentions with identifiers, relations of these.

A mention may have several identifiers (BioRED: a family name stands for each member). In KECI's
records it becomes one mention for each, whose ``group`` is the identifier; ``rows_of`` puts them
together again.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from itertools import product

from keci.documents import Extraction, Mention
from keci.errors import DataError

NO_IDENTIFIER = "-"
SEPARATOR = ","
_NONE = frozenset(("", NO_IDENTIFIER, "-1", "NULL"))
_VARIANT = re.compile(r"(?:tmVar:)?[a-z]?\|[A-Za-z]+\w*\|")
_ATTRIBUTE = re.compile(r"(?:HGVS|VariantGroup|\w*Gene|\w*Species|RS#|CA#)\s*:")
_TYPE_BEFORE = re.compile(r"\A[A-Za-z_-]{2,}\|")
_TYPE_SEPARATOR = re.compile(r"[,;|](?!\s)")
_NEAR = 30
"""So many characters around its offsets a surface may stand that was given wrong ones."""
_LIKE = 0.5


@dataclass(frozen=True, slots=True)
class MentionRow:
    """A typed span; ``text`` is what the file says stands there, empty where it says nothing.

    ``id`` is what the file calls the annotation, where a relation of the file may name it.
    """

    start: int
    end: int
    text: str
    type: str
    identifiers: tuple[str, ...] = ()
    id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class RelationRow:
    """A relation of a document between two identifiers.

    ``pairs`` are the rows of mentions that it holds between, by their ids, where the file says so.
    """

    type: str
    head: str
    tail: str
    pairs: tuple[tuple[str, str], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Remark:
    """What a reader did to an annotation; ``lost`` is "mention" or "relation" if it was left out.

    ``reason`` is in the plural, ``example`` shows one annotation.
    """

    reason: str
    example: str
    lost: str = ""


@dataclass(frozen=True, slots=True)
class AnnotatedText:
    """A document with its annotation.

    ``relations`` hold between identifiers, ``links`` between mentions, by the ids of their rows.
    """

    id: str
    text: str
    mentions: tuple[MentionRow, ...] = ()
    relations: tuple[RelationRow, ...] = ()
    links: tuple[RelationRow, ...] = ()
    remarks: tuple[Remark, ...] = ()


def split_identifiers(column: str, named: Container[str] = ()) -> tuple[str, ...]:
    """The distinct identifiers of a column, joined by ``,``, ``;`` or ``|``; ``-`` is none.

    A variant (``p|SUB|V|600|E;HGVS:p.V600E``) has bars and semicolons inside and stays whole, as
    does what relations of the document have ``named`` as a whole (``D1|D2``).
    """
    names: list[str] = []
    for part in map(str.strip, column.split(SEPARATOR)):
        if part in named and part not in _NONE:
            names.append(part)
            continue
        for piece in map(str.strip, part.split(";")):
            if names and _VARIANT.match(names[-1]) and _ATTRIBUTE.match(piece):
                names[-1] += f";{piece}"
            elif _VARIANT.match(piece):
                names.append(piece)
            else:
                names += [name.strip() for name in piece.split("|")]
    return tuple(dict.fromkeys(name for name in names if name not in _NONE))


def split_types(column: str) -> tuple[str, ...]:
    """The distinct types of a column, joined by ``,``, ``;`` or ``|``, no white space behind."""
    names = dict.fromkeys(name.strip() for name in _TYPE_SEPARATOR.split(column))
    return tuple(name for name in names if name) or (column,)


def named_ends(ends: Iterable[str]) -> frozenset[str]:
    """What the ends of relations name, with and without the type before it."""
    return frozenset(name for end in ends for name in (end, _TYPE_BEFORE.sub("", end, count=1)))


def join_identifiers(identifiers: Iterable[str]) -> str:
    return SEPARATOR.join(identifiers) or NO_IDENTIFIER


def settled(text: AnnotatedText) -> AnnotatedText:
    """A document as read, with mentions that stand in its text and relations that name these.

    A surface that its file wrote otherwise than the text has it (PubTator normalises some) is told;
    a mention that stands elsewhere is left out. The end of a relation may be written with its type
    (``Chemical|MESH:D000001``), joined or without its vocabulary.
    """
    mentions, remarks = [], list(text.remarks)
    for row in text.mentions:
        remark = _misfit(row, text.text)
        if remark:
            told = Remark(remark.reason, f"{remark.example} in {text.id}", remark.lost)
            if told not in text.remarks:
                remarks.append(told)
        if remark is None or not remark.lost:
            mentions.append(row)
    kept = {row.id for row in mentions}
    links = [link for link in text.links if kept.issuperset((link.head, link.tail))]
    for link in text.links:
        if not kept.issuperset((link.head, link.tail)):
            shown = f"{link.type} of {link.head} and {link.tail} in {text.id}"
            remarks.append(Remark("relations do not name two mentions", shown, "relation"))
    return AnnotatedText(
        text.id,
        text.text,
        tuple(mentions),
        tuple(_named_relations(text.relations, mentions)),
        tuple(links),
        tuple(remarks),
    )


def _misfit(row: MentionRow, text: str) -> Remark | None:
    """What is wrong with the offsets or the surface of a mention, if anything."""
    shown = f"{row.text!r} at {row.start}:{row.end}"
    if not 0 <= row.start < row.end <= len(text):
        return Remark("mentions lie outside their text", shown, "mention")
    given, there = " ".join(row.text.split()), " ".join(text[row.start : row.end].split())
    if not row.text or given == there:
        return None
    if row.text == text[row.start : row.end + 1]:
        return Remark("mentions end on their last character, not behind it", shown, "mention")
    if _letters(given) == _letters(there):
        return Remark("mentions are written otherwise than in the text", shown)
    around = text[max(row.start - _NEAR, 0) : row.end + _NEAR]
    is_elsewhere = _letters(given) in _letters(around)
    is_like = SequenceMatcher(None, _letters(given), _letters(there)).ratio() >= _LIKE
    if is_elsewhere or not is_like or not _is_whole(row, text):
        return Remark("mentions are not what stands at their offsets", shown, "mention")
    return Remark("mentions are written otherwise than in the text", shown)


def _letters(surface: str) -> str:
    folded = unicodedata.normalize("NFKD", surface.casefold())
    return "".join(sign for sign in folded if sign.isalnum())


def _is_whole(row: MentionRow, text: str) -> bool:
    """Whether a mention begins and ends where words do."""
    before, after = text[: row.start][-1:], text[row.end : row.end + 1]
    return not (before.isalnum() and text[row.start].isalnum()) and not (
        after.isalnum() and text[row.end - 1].isalnum()
    )


def _named_relations(
    relations: Iterable[RelationRow], mentions: Iterable[MentionRow]
) -> Iterator[RelationRow]:
    """Relations whose ends are identifiers as the mentions have them."""
    known = dict.fromkeys(name for row in mentions for name in row.identifiers)
    bare: dict[str, list[str]] = {}
    for name in known:
        for short in _short_names(name):
            bare.setdefault(short, []).append(name)
    for row in relations:
        ends = (_end_names(end, known, bare) for end in (row.head, row.tail))
        for head, tail in product(*ends):
            yield RelationRow(row.type, head, tail, row.pairs)


def _short_names(name: str) -> tuple[str, ...]:
    """An identifier without its vocabulary; of a variant itself, its HGVS name, its RS number."""
    if not _VARIANT.match(name):
        return (name.rpartition(":")[2],)
    variant, *attributes = name.removeprefix("tmVar:").split(";")
    told = (item.partition(":") for item in attributes)
    return (variant, *(value for key, _, value in told if key.strip() in ("HGVS", "RS#")))


def _end_names(
    end: str, known: Mapping[str, None], bare: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    if end in known:
        return (end,)
    untyped = _TYPE_BEFORE.sub("", end, count=1)
    if untyped in known:
        return (untyped,)
    names = split_identifiers(untyped) or (end,)
    found = [bare.get(_short_names(name)[0], ()) for name in names]
    return tuple(
        name if name in known or len(others) != 1 else others[0]
        for name, others in zip(names, found, strict=True)
    )


def mentions_of(text: AnnotatedText) -> Iterator[Mention]:
    """A mention for each identifier of each row, T1, T2, ...; raises DataError on an empty one.

    ``group`` is the identifier, None where there is none or it is the mention's own id.
    """
    return (mention for _, mentions in mentions_by_row(text) for mention in mentions)


def mentions_by_row(text: AnnotatedText) -> Iterator[tuple[MentionRow, tuple[Mention, ...]]]:
    """Each row with its mentions (see ``mentions_of``)."""
    number = 0
    for row in text.mentions:
        if row.start >= row.end:
            span = f"{row.start}:{row.end} in document {text.id!r}"
            raise DataError(f"a mention of type {row.type!r} covers no text: {span}")
        surface = text.text[row.start : row.end]
        mentions = []
        for identifier in row.identifiers or (None,):
            number += 1
            name = f"T{number}"
            group = None if identifier == name else identifier
            mentions.append(Mention(name, row.start, row.end, surface, row.type, group=group))
        yield row, tuple(mentions)


def identifier_of(mention: Mention) -> str | None:
    """What a mention denotes: its group, else its first concept, if it has one."""
    best = mention.concept
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
        MentionRow(
            start, end, extraction.text[start:end], kind, tuple(dict.fromkeys(identifiers)), f"T{n}"
        )
        for n, ((start, end, kind), identifiers) in enumerate(spans.items(), start=1)
    )
    row_ids = {(row.start, row.end, row.type): row.id for row in mentions}
    rows = {item.id: row_ids[item.start, item.end, item.type] for item in extraction.mentions}
    pairs: dict[RelationRow, list[tuple[str, str]]] = {}
    for item in extraction.relations:
        stated = RelationRow(item.type, names[item.head] or "", names[item.tail] or "")
        pairs.setdefault(stated, []).append((rows[item.head], rows[item.tail]))
    relations = tuple(
        row if _is_plain(row, found, pairs, mentions) else replace(row, pairs=tuple(found))
        for row, found in pairs.items()
    )
    return AnnotatedText(extraction.id, extraction.text, mentions, relations)


def _is_plain(
    row: RelationRow,
    pairs: Iterable[tuple[str, str]],
    stated: Container[RelationRow],
    mentions: Sequence[MentionRow],
) -> bool:
    """Whether a relation holds between all mentions of its ends, as who reads it will take it."""
    ends = [[item for item in mentions if end in item.identifiers] for end in (row.head, row.tail)]
    every = {(head.id, tail.id) for head, tail in product(*ends)}
    spans = Counter((item.start, item.end) for item in mentions)
    return (
        set(pairs) == every
        and RelationRow(row.type, row.tail, row.head) not in stated
        and all(
            len(item.identifiers) == 1 and spans[item.start, item.end] == 1
            for item in (*ends[0], *ends[1])
        )
    )
