"""Extractions as PubTator: title and abstract lines, then tab-separated annotations.

The title is the text up to its first line break, the abstract what follows it; further line breaks
and tabs are written as spaces, so that every offset stays what it was. A mention's last column is
the concept that weighs most, or the mention's id where it has none; relations name these columns,
each pair once.
"""

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from keci.documents import ConceptLink, Extraction, Mention, Relation
from keci.errors import DataError

_BREAKS = re.compile(r"[\r\n\t\v\f\x1c-\x1e\x85\u2028\u2029]")
_UNSAFE = re.compile(r"[|\s]")


def write(extractions: Iterable[Extraction], file: BinaryIO) -> None:
    for extraction in extractions:
        file.write("".join(f"{line}\n" for line in _lines(extraction)).encode())


def read(file: BinaryIO) -> Iterator[Extraction]:
    """What the lines say, in order; raises DataError where they are not as ``write`` makes them."""
    block: list[str] = []
    for line in file:
        text = line.decode().removesuffix("\n")
        if text:
            block.append(text)
        elif block:
            yield _extraction(block)
            block = []
    if block:
        raise DataError("the PubTator file ends inside a document")


def _lines(extraction: Extraction) -> Iterator[str]:
    name = _UNSAFE.sub("_", extraction.id)
    title, separator, abstract = extraction.text.partition("\n")
    yield f"{name}|t|{_one_line(title)}"
    if separator:
        yield f"{name}|a|{_one_line(abstract)}"
    identifiers = {mention.id: _identifier(mention) for mention in extraction.mentions}
    for mention in extraction.mentions:
        place = f"{name}\t{mention.start}\t{mention.end}"
        yield f"{place}\t{_one_line(mention.text)}\t{mention.type}\t{identifiers[mention.id]}"
    pairs = (
        f"{name}\t{relation.type}\t{identifiers[relation.head]}\t{identifiers[relation.tail]}"
        for relation in extraction.relations
    )
    yield from dict.fromkeys(pairs)
    yield ""


def _one_line(text: str) -> str:
    return _BREAKS.sub(" ", text)


def _identifier(mention: Mention) -> str:
    best = max(mention.concepts, key=lambda link: link.weight, default=None)
    return best.id if best else mention.id


def _extraction(lines: list[str]) -> Extraction:
    try:
        return _read_block(lines)
    except (LookupError, ValueError) as error:
        raise DataError(f"not a PubTator document of KECI ({lines[0][:40]!r}): {error}") from error


def _read_block(lines: list[str]) -> Extraction:
    name, _, title = lines[0].split("|", 2)
    has_abstract = len(lines) > 1 and lines[1].startswith(f"{name}|a|")
    text = f"{title}\n{lines[1].split('|', 2)[2]}" if has_abstract else title
    rows = [line.split("\t") for line in lines[2 if has_abstract else 1 :]]
    mentions = [_mention(row, number) for number, row in enumerate(filter(_is_mention, rows), 1)]
    _check_offsets(mentions, text)
    first = {_identifier(mention): mention.id for mention in reversed(mentions)}
    relations = tuple(
        Relation(f"R{number}", first[head], first[tail], kind)
        for number, (_, kind, head, tail) in enumerate(filter(_is_relation, rows), start=1)
    )
    return Extraction(name, text, tuple(mentions), relations)


def _is_mention(row: list[str]) -> bool:
    return len(row) == 6


def _is_relation(row: list[str]) -> bool:
    return len(row) == 4


def _mention(row: list[str], number: int) -> Mention:
    _, start, end, surface, kind, identifier = row
    name = f"T{number}"
    link = () if identifier == name else (ConceptLink(identifier, "", (), 1.0),)
    return Mention(name, int(start), int(end), surface, kind, concepts=link)


def _check_offsets(mentions: list[Mention], text: str) -> None:
    for mention in mentions:
        if _one_line(text[mention.start : mention.end]) != mention.text:
            raise DataError(f"{mention.text!r} is not what stands at {mention.start}:{mention.end}")
