"""BigBio's knowledge-base schema as json lines: passages, entities and relations by id."""

from collections.abc import Iterator, Mapping
from typing import Any

from keci.data.pieces import whole_span
from keci.errors import DataError
from keci.formats.annotated import AnnotatedText, MentionRow, RelationRow, Remark
from keci.formats.fields import checked, field, identifier, optional_objects

_GAP = "\n"


def read_document(record: Mapping[str, Any]) -> AnnotatedText:
    """A document; events are left out, a mention in pieces goes from the first to the last."""
    name = identifier(record, "document_id" if record.get("document_id") else "id")
    remarks = [
        Remark("events are left out", f"{item.get('type')} in {name}", "relation")
        for item in optional_objects(record, "events")
    ]
    text = _text(field(record, "passages", list))
    mentions = tuple(_mentions(record, text, remarks))
    links = tuple(
        RelationRow(
            field(item, "type", str), identifier(item, "arg1_id"), identifier(item, "arg2_id")
        )
        for item in optional_objects(record, "relations")
    )
    return AnnotatedText(name, text, mentions, (), links, tuple(remarks))


def _text(passages: list[Any]) -> str:
    """The passages at their offsets, line breaks between."""
    text = ""
    for passage in passages:
        spans, parts = field(passage, "offsets", list), field(passage, "text", list)
        if len(spans) != len(parts):
            raise DataError(f"a passage has {len(parts)} texts and {len(spans)} offsets")
        for span, part in zip(spans, parts, strict=True):
            start, _, _ = whole_span([tuple(checked(span, "offsets", list))])
            text += _GAP * (start - len(text)) + checked(part, "text", str)
    return text


def _mentions(record: Mapping[str, Any], text: str, remarks: list[Remark]) -> Iterator[MentionRow]:
    for item in field(record, "entities", list):
        pieces = [tuple(checked(span, "offsets", list)) for span in field(item, "offsets", list)]
        start, end, is_whole = whole_span(pieces)
        texts = [checked(part, "text", str) for part in field(item, "text", list)]
        surface = " ".join(texts) if is_whole else ""
        if not is_whole:
            shown = f"{text[start:end]!r}"
            remarks.append(Remark("mentions in pieces are taken from first to last", shown))
        identifiers = tuple(
            f"{field(entry, 'db_name', str)}:{entry['db_id']}"
            for entry in optional_objects(item, "normalized")
            if entry.get("db_id")
        )
        kind = field(item, "type", str)
        yield MentionRow(start, end, surface, kind, identifiers, str(item.get("id", "")))
