"""PubTator's layout: ``ID|t|title`` and ``ID|a|abstract`` lines, then tab-separated annotations.

The text is the title, a line break and the abstract, the convention by which PubTator counts its
offsets. Documents are separated by blank lines or by the next title. Rows of annotation:

| row | columns |
|---|---|
| mention | id, start, end, text, types, identifiers, joined by ``,`` or ``|``; ``-`` is none |
| relation | id, type, identifier, identifier; in BioRED also its novelty, which is not read |

A relation of KECI that does not hold between all mentions of its identifiers has a fifth column
with the mentions that it holds between: ``T1:T3 T2:T3``, where T1 is the document's first.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, product
from typing import BinaryIO
from urllib.parse import quote, unquote

from keci.documents import ConceptLink, Document, Extraction, Failure, Mention, Relation
from keci.errors import DataError
from keci.formats.annotated import (
    AnnotatedText,
    MentionRow,
    RelationRow,
    join_identifiers,
    mentions_by_row,
    named_ends,
    rows_of,
    settled,
    split_identifiers,
    split_types,
)
from keci.formats.jsonl import read_lines
from keci.formats.metadata import citation
from keci.formats.stream import BOM, ContentStream, ReadOptions, excerpt, kept

TEXT_LINE = re.compile(rb"([^|\t]+)\|([ta])\|(.*)", re.DOTALL)

_BREAKS = re.compile(r"[\r\n\t\v\f\x1c-\x1e\x85\u2028\u2029]")
_UNSAFE = re.compile(r"[|%\s]")
_PAIRS = re.compile(r"T\d+:T\d+(?: T\d+:T\d+)*+")
_MENTION_COLUMNS = 5
_RELATION_COLUMNS = (4, 5)


@dataclass(slots=True)
class Block:
    """The lines of a document; ``problem`` is the first one met, with the line that has it."""

    line: int
    id: bytes = b""
    parts: dict[bytes, bytes] = field(default_factory=dict)
    rows: list[bytes] = field(default_factory=list)
    problem: str = ""
    bad_line: bytes = b""

    @property
    def content(self) -> bytes:
        parts = [self.parts.get(b"t", b""), *([self.parts[b"a"]] if b"a" in self.parts else [])]
        return b"\n".join(parts)


def blocks(
    lines: Iterable[bytes], *, limit: int | None = None, keep_rows: bool = True
) -> Iterator[Block]:
    """The documents of lines without their ends; one of more than ``limit`` bytes is a problem."""
    block: Block | None = None
    for number, raw in enumerate(lines, start=1):
        line = raw.removesuffix(b"\r")
        found = TEXT_LINE.fullmatch(line)
        begins_next = found is not None and found.group(2) == b"t"
        if block and (not line.strip() or (begins_next and block.parts)):
            yield _closed(block)
            block = None
        if line.strip() and not line.startswith(b"#"):
            block = block or Block(number)
            problem = _add_line(block, line, limit=limit, keep_rows=keep_rows)
            if problem and not block.problem:
                block.problem, block.bad_line = f"line {number}: {problem}", line
    if block:
        yield _closed(block)


def read_block(block: Block) -> AnnotatedText:
    """What a document's lines say; raises DataError where they break the format."""
    if block.problem:
        raise DataError(block.problem)
    try:
        name, text = block.id.decode(), block.content.decode()
        rows = [row.decode().split("\t") for row in block.rows]
    except UnicodeDecodeError as error:
        raise DataError(f"line {block.line}: not valid UTF-8: {error.reason}") from error
    relations = tuple(_relation(row) for row in rows if not _is_mention(row))
    named = named_ends(end for row in relations for end in (row.head, row.tail))
    mention_rows = filter(_is_mention, rows)
    mentions = tuple(
        replace(found, id=f"T{number}")
        for number, row in enumerate(mention_rows, start=1)
        for found in _mentions(row, named)
    )
    foreign = next((row[0] for row in rows if row[0] != name), None)
    if foreign is not None:
        raise DataError(f"an annotation of document {foreign!r} stands in document {name!r}")
    return settled(AnnotatedText(_read_id(name), text, mentions, relations))


def lines_of(document: AnnotatedText) -> Iterator[str]:
    """The lines of a document, a blank one last.

    The title is the text up to its first line break; further breaks and tabs become spaces, so
    that offsets stay what they are. Signs in the id that the format does not bear are escaped.
    """
    name = _written_id(document.id)
    title, separator, abstract = document.text.partition("\n")
    yield f"{name}|t|{_one_line(title)}"
    if separator:
        yield f"{name}|a|{_one_line(abstract)}"
    for mention in document.mentions:
        span = f"{name}\t{mention.start}\t{mention.end}\t{_one_line(mention.text)}"
        yield f"{span}\t{mention.type}\t{join_identifiers(mention.identifiers)}"
    for relation in document.relations:
        pairs = " ".join(f"{head}:{tail}" for head, tail in relation.pairs)
        columns = (name, relation.type, relation.head, relation.tail, *([pairs] if pairs else []))
        yield "\t".join(columns)
    yield ""


def _written_id(document_id: str) -> str:
    """The id with bars, per cent signs and white space as URLs have them."""
    return _UNSAFE.sub(lambda sign: quote(sign[0], safe=""), document_id)


def _read_id(written: str) -> str:
    """The id that was written so; that of another program is left as it is."""
    document_id = unquote(written)
    return document_id if _written_id(document_id) == written else written


def _add_line(block: Block, line: bytes, *, limit: int | None, keep_rows: bool) -> str:
    """Take a line in; returns what is wrong with it, if anything."""
    found = TEXT_LINE.fullmatch(line)
    if limit is not None and len(line) > limit:
        return f"longer than the limit of {limit:,} bytes"
    if found:
        name, part, text = found.groups()
        is_second = block.id not in (b"", name) or part in block.parts
        block.id = block.id or name
        block.parts[part] = text
        return "a second id, title or abstract in one document" if is_second else ""
    if b"\t" not in line:
        return "expected ID|t|title, ID|a|abstract or a tab-separated annotation"
    if keep_rows:
        block.rows.append(line)
    return ""


def _closed(block: Block) -> Block:
    if not block.problem and not block.parts:
        block.problem = f"line {block.line}: annotations without a title or abstract"
    return block


def _is_mention(row: list[str]) -> bool:
    return len(row) >= _MENTION_COLUMNS and row[1].isdecimal() and row[2].isdecimal()


def _mentions(row: list[str], named: frozenset[str]) -> Iterator[MentionRow]:
    """A row for each type; a tab inside the mention's text is part of it."""
    _, start, end, *columns = row
    width = _text_columns(columns, int(end) - int(start))
    text, types, *rest = "\t".join(columns[:width]), *columns[width:]
    identifiers = split_identifiers(rest[0] if rest else "", named)
    for kind in split_types(types):
        yield MentionRow(int(start), int(end), text, kind, identifiers)


def _text_columns(columns: list[str], length: int) -> int:
    """How many columns the text of a mention takes: one, unless it has tabs inside."""
    for width in range(1, len(columns) - 1):
        if len("\t".join(columns[:width])) == length:
            return width
    return 1


def _relation(row: list[str]) -> RelationRow:
    if len(row) not in _RELATION_COLUMNS or not all(row[1:4]):
        raise DataError(
            "expected a mention (id, start, end, text, type, identifiers) or a relation (id, type, "
            f"identifier, identifier), got {row}"
        )
    _, kind, head, tail = (column.strip() for column in row[:4])
    return RelationRow(kind, head, tail, _pairs(row[4] if len(row) > 4 else ""))


def _pairs(column: str) -> tuple[tuple[str, str], ...]:
    """The rows of mentions in a relation's fifth column; nothing where that says its novelty."""
    if not _PAIRS.fullmatch(column):
        return ()
    pairs = (pair.partition(":") for pair in column.split(" "))
    return tuple((head, tail) for head, _, tail in pairs)


def _one_line(text: str) -> str:
    return _BREAKS.sub(" ", text)


def read_pubtator(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    """The documents in order; one that breaks the format becomes a Failure."""
    position = 0
    limit = options.max_record_bytes
    try:
        for block in blocks(read_lines(stream, limit), limit=limit, keep_rows=False):
            position += 1
            yield _read_block(block, source, position, options)
    except DataError as error:
        yield Failure(source, position + 1, "", str(error))


def _read_block(
    block: Block, source: str, position: int, options: ReadOptions
) -> Document | Failure:
    if block.problem:
        beginning, original = excerpt(block.bad_line), kept(_original(block))
        return Failure(source, position, excerpt(block.id), block.problem, beginning, original)
    try:
        text = block.content.decode("utf-8")
        metadata = citation(title=text.partition("\n")[0]) if options.metadata else None
        return Document(_read_id(block.id.decode("utf-8")), text, metadata)
    except UnicodeDecodeError as error:
        reason = f"line {block.line}: not valid UTF-8: {error.reason}"
        beginning, original = excerpt(block.content), kept(_original(block))
        return Failure(source, position, excerpt(block.id), reason, beginning, original)


def _original(block: Block) -> bytes:
    """What was read of a document: its texts, and the line that breaks the format."""
    texts = [b"|".join((block.id, part, text)) for part, text in block.parts.items()]
    is_new = block.problem and block.bad_line not in texts
    return b"\n".join([*texts, *([block.bad_line] if is_new else [])])


def write(extractions: Iterable[Extraction], file: BinaryIO) -> None:
    """Write what is present: the format cannot say that a text denies or supposes a relation."""
    for given in extractions:
        present = tuple(item for item in given.relations if item.assertion == "present")
        extraction = replace(given, relations=present)
        file.write("".join(f"{line}\n" for line in lines_of(rows_of(extraction))).encode())


def read(file: BinaryIO) -> Iterator[Extraction]:
    """What the lines say, in order; raises DataError where they are not as ``write`` makes them.

    Their ends may be those of Windows, blank lines at the end more or fewer.
    A relation is read between the mentions that its row names, else between all that have its
    identifiers.
    """
    for block in blocks(_whole_lines(file)):
        yield _extraction(_faithful(read_block(block)))


def _faithful(document: AnnotatedText) -> AnnotatedText:
    if document.remarks:
        raise DataError(f"{document.remarks[0].reason}: {document.remarks[0].example}")
    return document


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    line = b"\n"
    for number, line in enumerate(file):
        yield (line if number else line.removeprefix(BOM)).removesuffix(b"\n")
    if not line.endswith(b"\n"):
        raise DataError("the PubTator file ends inside a line")


def _extraction(document: AnnotatedText) -> Extraction:
    by_row = {row.id: mentions for row, mentions in mentions_by_row(document)}
    mentions = tuple(chain.from_iterable(by_row.values()))
    members: dict[str, list[str]] = {}
    for mention in mentions:
        members.setdefault(mention.group or mention.id, []).append(mention.id)
    ends: list[tuple[str, str, str]] = []
    try:
        for row in document.relations:
            pairs = [(by_row[head][0].id, by_row[tail][0].id) for head, tail in row.pairs]
            for head, tail in pairs or product(members[row.head], members[row.tail]):
                ends.append((head, tail, row.type))
    except LookupError as error:
        message = f"a relation in {document.id!r} names {error}, which no mention has"
        raise DataError(message) from error
    relations = tuple(Relation(f"R{number}", *end) for number, end in enumerate(ends, start=1))
    return Extraction(document.id, document.text, tuple(map(_linked, mentions)), relations)


def _linked(mention: Mention) -> Mention:
    link = () if mention.group is None else (ConceptLink(mention.group, "", (), 1.0),)
    return replace(mention, group=None, concepts=link)
