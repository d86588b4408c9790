"""DyGIE's json lines, the form of SciERC: documents of tokenised sentences.

Mentions and relations name tokens of the whole document, the last one included. Each sentence is a
document here, for the annotation holds within sentences; those of a document stay together in
splits.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from keci.data.tagged import joined, mention_of_tokens
from keci.errors import DataError
from keci.formats.annotated import AnnotatedText, MentionRow, RelationRow, Remark
from keci.formats.fields import checked, field, identifier


def sentences(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The sentences of a record, each with its number, its first token and its annotation."""
    name, start = identifier(record, "doc_key"), 0
    tokenised = field(record, "sentences", list)
    for number, tokens in enumerate(tokenised):
        yield {
            "doc_key": name,
            "number": number,
            "start": start,
            "tokens": tokens,
            "ner": _part(record, "ner", number, len(tokenised)),
            "relations": _part(record, "relations", number, len(tokenised)),
        }
        start += len(checked(tokens, "sentences", list))


def read_sentence(sentence: Mapping[str, Any]) -> AnnotatedText:
    """A sentence as ``sentences`` gives it; a mention that goes beyond it is left out."""
    name = f"{sentence['doc_key']}:{sentence['number']}"
    tokens = [checked(token, "sentences", str) for token in sentence["tokens"]]
    text, starts = joined(tokens)
    remarks: list[Remark] = []
    mentions: dict[tuple[int, int], list[MentionRow]] = {}
    for item in sentence["ner"]:
        first, last, kind, *_ = checked(item, "ner", list)
        span = (_local(first, sentence), _local(last, sentence))
        if not 0 <= span[0] <= span[1] < len(tokens):
            remarks.append(Remark("mentions leave their sentence", f"{item} in {name}", "mention"))
            continue
        rows = mentions.setdefault(span, [])
        rows.append(mention_of_tokens(text, starts, *span, str(kind), row_id=f"{span}"))
    links = []
    for item in sentence["relations"]:
        *ends, kind = checked(item, "relations", list)[:5]
        if len(ends) != 4:
            raise DataError(f"a relation must be four token numbers and a type, got {item}")
        words = [_local(end, sentence) for end in ends]
        head, tail = (words[0], words[1]), (words[2], words[3])
        if head in mentions and tail in mentions:
            links.append(RelationRow(str(kind), str(head), str(tail)))
        else:
            shown = f"{item} in {name}"
            remarks.append(Remark("relations do not name two mentions", shown, "relation"))
    rows_in_order = tuple(row for span in sorted(mentions) for row in mentions[span])
    return AnnotatedText(name, text, rows_in_order, (), tuple(links), tuple(remarks))


def _part(record: Mapping[str, Any], name: str, number: int, count: int) -> list[Any]:
    """What a record annotates of a sentence."""
    parts = checked(record.get(name) or [[]] * count, name, list)
    if len(parts) != count:
        raise DataError(f"there are {count} sentences, but {name!r} has {len(parts)} lists")
    return checked(parts[number], name, list)


def _local(token: Any, sentence: Mapping[str, Any]) -> int:
    return int(checked(token, "ner", int) - sentence["start"])
