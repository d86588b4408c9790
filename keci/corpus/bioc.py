"""Documents out of BioC collections, in XML and in JSON.

A document's text is its passages (or their sentences) at the offsets that BioC gives them, line
breaks filling the gaps, so that the offsets of an extraction are those of the collection. Where
those offsets do not fit the text (they count bytes, overlap or leave wide gaps), the passages are
joined by blank lines instead. Annotations in the collection are not read.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from lxml import etree

from keci.corpus.framing import frame_objects
from keci.corpus.sources import ContentStream, ReadOptions, excerpt
from keci.corpus.xmlstream import stream_elements
from keci.documents import Document, Failure
from keci.errors import DataError

ROOTS = frozenset(["collection"])
WIDEST_GAP = 4
"""The most characters between two passages that line breaks stand for; one is usual."""

DOCUMENT_LIST = re.compile(rb'"(documents|PubTator3|passages)"\s*:\s*\[')
Passage = tuple[int | None, str]


def read_bioc(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    """The documents in order; one without an id is called ``source:position``.

    A damaged collection gives the documents before the damage, then one Failure.
    """
    is_xml = stream.content_head.lstrip().startswith(b"<")
    read = _read_xml if is_xml else _read_json
    position = 0
    try:
        for record in read(stream, source, options):
            position += 1
            yield record
    except DataError as error:
        yield Failure(source, position + 1, "", str(error))


def _read_xml(stream: ContentStream, source: str, options: ReadOptions) -> Iterator[Document]:
    elements = stream_elements(
        stream, tags=("document",), roots=ROOTS, limit=options.max_record_bytes
    )
    for position, element in enumerate(elements, start=1):
        document_id = (element.findtext("id") or "").strip() or f"{source}:{position}"
        yield Document(document_id, assemble(list(_xml_passages(element))))


def _xml_passages(document: etree._Element) -> Iterator[Passage]:
    for passage in document.findall("passage"):
        for part in [passage] if passage.find("text") is not None else passage.findall("sentence"):
            offset = (part.findtext("offset") or "").strip()
            yield int(offset) if offset.isdecimal() else None, part.findtext("text") or ""


def _read_json(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    depth = _document_depth(stream.content_head)
    objects = frame_objects(stream, depth=depth, limit=options.max_record_bytes)
    for position, content in enumerate(objects, start=1):
        try:
            yield _json_document(content, f"{source}:{position}")
        except DataError as error:
            yield Failure(source, position, "", str(error), excerpt(content))


def _document_depth(head: bytes) -> int:
    """How many brackets are open where a document's object begins."""
    found = DOCUMENT_LIST.search(head)
    if found is None:
        raise DataError("expected BioC JSON, with documents or passages near its beginning")
    in_array = head.lstrip().startswith(b"[")
    return int(in_array) + (0 if found.group(1) == b"passages" else 2)


def _json_document(content: bytes, default_id: str) -> Document:
    try:
        record = orjson.loads(content)
        passages = list(_json_passages(record["passages"]))
    except orjson.JSONDecodeError as error:
        raise DataError(f"not valid JSON: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError("the document has no list of passages with texts") from error
    given = record.get("id")
    return Document(default_id if given in (None, "") else str(given), assemble(passages))


def _json_passages(passages: list[dict[str, Any]]) -> Iterator[Passage]:
    for passage in passages:
        parts = [passage] if passage.get("text") else passage.get("sentences") or [passage]
        for part in parts:
            offset, text = part.get("offset"), part.get("text") or ""
            if not isinstance(text, str):
                raise TypeError(f"expected a text, got {type(text).__name__}")
            yield offset if isinstance(offset, int) else None, text


def assemble(passages: Sequence[Passage]) -> str:
    """The passages as one text: at their offsets where these fit, else joined by blank lines."""
    parts: list[str] = []
    length = 0
    for offset, passage in passages:
        gap = -1 if offset is None else offset - length
        if not 0 <= gap <= WIDEST_GAP:
            return "\n\n".join(text for _, text in passages if text)
        parts += ("\n" * gap, passage)
        length += gap + len(passage)
    return "".join(parts)
