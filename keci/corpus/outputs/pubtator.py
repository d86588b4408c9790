"""Extractions as PubTator (keci.interchange.pubtator): mentions, identifiers, relations of these.

A mention's identifier is that of its concept that weighs most; one without concepts has ``-``, or
its own id where a relation needs to name it. A relation is one line, however many of its mentions
say it; a type that is said in both orders gives two.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import BinaryIO

from keci.documents import ConceptLink, Extraction, Mention, Relation
from keci.errors import DataError
from keci.interchange.annotated import AnnotatedText, mentions_of, rows_of
from keci.interchange.pubtator import blocks, lines_of, read_block


def write(extractions: Iterable[Extraction], file: BinaryIO) -> None:
    for extraction in extractions:
        file.write("".join(f"{line}\n" for line in lines_of(rows_of(extraction))).encode())


def read(file: BinaryIO) -> Iterator[Extraction]:
    """What the lines say, in order; raises DataError where they are not as ``write`` makes them.

    A relation is read once, between the first mentions that have its identifiers.
    """
    for block in blocks(_whole_lines(file)):
        yield _extraction(read_block(block))


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    line = b""
    for raw in file:
        line = raw.removesuffix(b"\n")
        yield line
    if line:
        raise DataError("the PubTator file ends inside a document")


def _extraction(document: AnnotatedText) -> Extraction:
    mentions = tuple(mentions_of(document))
    first = {mention.group or mention.id: mention.id for mention in reversed(mentions)}
    try:
        relations = tuple(
            Relation(f"R{number}", first[row.head], first[row.tail], row.type)
            for number, row in enumerate(document.relations, start=1)
        )
    except KeyError as error:
        message = f"a relation in {document.id!r} names {error}, which no mention has"
        raise DataError(message) from error
    return Extraction(document.id, document.text, tuple(map(_linked, mentions)), relations)


def _linked(mention: Mention) -> Mention:
    link = () if mention.group is None else (ConceptLink(mention.group, "", (), 1.0),)
    return replace(mention, group=None, concepts=link)
