"""BigBio's knowledge-base schema as json lines: passages, entities and relations by id."""

from collections.abc import Iterator, Mapping
from typing import Any

from keci.data.files import checked, field, identifier
from keci.data.pieces import whole_span
from keci.formats.annotated import AnnotatedText, MentionRow, RelationRow, Remark

_GAP = "\n"


def read_document(record: Mapping[str, Any]) -> AnnotatedText:
    """A document; events are left out, a mention in pieces goes from the first to the last."""
    name = identifier(record, "document_id" if record.get("document_id") else "id")
    remarks = [
        Remark("events are left out", f"{item.get('type')} in {name}", "relation")
        for item in record.get("events") or ()
    ]
    text = _text(field(record, "passages", list))
    mentions = tuple(_mentions(record, text, remarks))
    links = tuple(
        RelationRow(field(item, "type", str), str(item["arg1_id"]), str(item["arg2_id"]))
        for item in record.get("relations") or ()
        if {"arg1_id", "arg2_id"} <= item.keys()
    )
    return AnnotatedText(name, text, mentions, (), links, tuple(remarks))


def _text(passages: list[Any]) -> str:
    """The passages at their offsets, line breaks between."""
    text = ""
    for passage in passages:
        for (start, _), part in zip(
            field(passage, "offsets", list), field(passage, "text", list), strict=True
        ):
            text += _GAP * (start - len(text)) + part
    return text


def _mentions(record: Mapping[str, Any], text: str, remarks: list[Remark]) -> Iterator[MentionRow]:
    for item in field(record, "entities", list):
        pieces = [tuple(checked(span, "offsets", list)) for span in field(item, "offsets", list)]
        start, end, is_whole = whole_span(pieces)
        surface = " ".join(field(item, "text", list)) if is_whole else ""
        if not is_whole:
            shown = f"{text[start:end]!r}"
            remarks.append(Remark("mentions in pieces are taken from first to last", shown))
        identifiers = tuple(
            f"{entry['db_name']}:{entry['db_id']}"
            for entry in item.get("normalized") or ()
            if entry.get("db_id")
        )
        kind = field(item, "type", str)
        yield MentionRow(start, end, surface, kind, identifiers, str(item.get("id", "")))
