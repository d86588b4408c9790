"""Documents out of BioC collections, in XML and in JSON.

The text is put together by keci.interchange.bioc, so that the offsets of an extraction are those of
the collection where these fit. Annotations in the collection are not read.
"""

import re
from collections.abc import Iterator

from keci.corpus.framing import frame_objects
from keci.corpus.jsontext import parse_json
from keci.corpus.sources import ContentStream, ReadOptions, excerpt, kept
from keci.corpus.xmlstream import check_depth, original_of, stream_elements
from keci.documents import Document, Failure
from keci.errors import DataError
from keci.interchange.bioc import assemble, json_passages, xml_passages

ROOTS = frozenset(["collection"])
DOCUMENT_LIST = re.compile(rb'"(documents|PubTator3|passages)"\s*:\s*\[')


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


def _read_xml(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    elements = stream_elements(
        stream, tags=("document",), roots=ROOTS, limit=options.max_record_bytes
    )
    for position, element in enumerate(elements, start=1):
        document_id = (element.findtext("id") or "").strip() or f"{source}:{position}"
        try:
            check_depth(element, options.max_xml_depth)
            yield Document(document_id, assemble(list(xml_passages(element))))
        except DataError as error:
            content = original_of(element)
            beginning = excerpt(content)
            yield Failure(source, position, document_id, str(error), beginning, kept(content))


def _read_json(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    depth = _document_depth(stream.content_head)
    objects = frame_objects(stream, depth=depth, limit=options.max_record_bytes)
    for position, content in enumerate(objects, start=1):
        try:
            yield _json_document(content, f"{source}:{position}", options)
        except DataError as error:
            yield Failure(source, position, "", str(error), excerpt(content), kept(content))


def _document_depth(head: bytes) -> int:
    """How many brackets are open where a document's object begins."""
    found = DOCUMENT_LIST.search(head)
    if found is None:
        raise DataError("expected BioC JSON, with documents or passages near its beginning")
    in_array = head.lstrip().startswith(b"[")
    return int(in_array) + (0 if found.group(1) == b"passages" else 2)


def _json_document(content: bytes, default_id: str, options: ReadOptions) -> Document:
    try:
        record = parse_json(content, options)
        passages = list(json_passages(record["passages"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError("the document has no list of passages with texts") from error
    given = record.get("id")
    return Document(default_id if given in (None, "") else str(given), assemble(passages))
