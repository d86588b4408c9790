"""Documents out of PubMed XML: baseline and update files, efetch exports, MEDLINE sets.

A citation's text is its title, then each section of its abstract, with a blank line between them.
A labelled section begins with its label: ``METHODS: We gave ...`` (``UNLABELLED`` is left out).
Inline markup and MathML are kept as their characters, white space runs become one space. Where the
title is empty the vernacular or book title stands in; ``OtherAbstract`` (translations, plain
language summaries, another agency's abstract) is not read. A citation without title and abstract is
a document with an empty text. The id is the PMID, with ``.N`` for a version N above 1.
"""

import html
import logging
import re
from collections.abc import Iterator
from typing import cast

from lxml import etree

from keci.corpus.detection import PUBMED_ROOTS
from keci.corpus.sources import ContentStream, ReadOptions, excerpt
from keci.documents import Document, Failure
from keci.errors import DataError

CITATION_TAGS = ("PubmedArticle", "PubmedBookArticle", "MedlineCitation")
DELETION_TAG = "DeleteCitation"
TITLE_PATHS = (
    "MedlineCitation/Article/ArticleTitle",
    "Article/ArticleTitle",
    "BookDocument/ArticleTitle",
    "MedlineCitation/Article/VernacularTitle",
    "Article/VernacularTitle",
    "BookDocument/VernacularTitle",
    "BookDocument/Book/BookTitle",
)
ABSTRACT_PATHS = ("MedlineCitation/Article/Abstract", "Article/Abstract", "BookDocument/Abstract")
PMID_PATHS = ("MedlineCitation/PMID", "PMID", "BookDocument/PMID")
NO_LABEL = "UNLABELLED"
PARAGRAPH_BREAK = "\n\n"

_XML_SPACE = re.compile("[ \t\r\n]+")
_log = logging.getLogger(__name__)


def read_pubmed(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    """The citations in order; a damaged file gives those before the damage, then one Failure.

    The PMIDs of a DeleteCitation are no records: their number is logged.
    """
    position = 0
    try:
        for element in _elements(stream, options.max_record_bytes):
            if element.tag == DELETION_TAG:
                deleted = len(element.findall("PMID"))
                _log.info("%s: lists %d deleted citations, which are not read", source, deleted)
            else:
                position += 1
                yield _read_citation(element, source, position)
    except etree.XMLSyntaxError as error:
        yield Failure(source, position + 1, "", f"not well-formed XML: {error.msg}")
    except DataError as error:
        yield Failure(source, position + 1, "", str(error))


def _elements(stream: ContentStream, limit: int) -> Iterator[etree._Element]:
    """Citations and deletions as their end tags come, each dropped from the tree afterwards."""
    parser = _parser()
    pending = 0
    count = 0
    while chunk := stream.read():
        pending += len(chunk)
        problem = _feed(parser, chunk)
        for element in _whole_elements(parser):
            pending = 0
            count += 1
            yield element
            _drop(element)
        if problem:
            raise problem
        if pending > limit:
            raise DataError(f"no citation ends within the limit of {limit:,} bytes")
    root = parser.close()
    if not count and root.tag not in PUBMED_ROOTS:
        raise DataError(f"expected PubMed XML, got the root element <{root.tag}>")


def _parser() -> etree.XMLPullParser:
    return etree.XMLPullParser(
        events=("end",),
        tag=(*CITATION_TAGS, DELETION_TAG),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _feed(parser: etree.XMLPullParser, chunk: bytes) -> etree.XMLSyntaxError | None:
    """Parse on; an error is given back, as the elements before it are still to be read."""
    try:
        parser.feed(chunk)
    except etree.XMLSyntaxError as error:
        return error
    return None


def _whole_elements(parser: etree.XMLPullParser) -> Iterator[etree._Element]:
    for _, found in parser.read_events():
        element = cast(etree._Element, found)
        parent = element.getparent()
        if parent is None or parent.tag not in CITATION_TAGS:
            yield element


def _drop(element: etree._Element) -> None:
    """Free the element and all that lies before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _read_citation(element: etree._Element, source: str, position: int) -> Document | Failure:
    pmid = _first(element, PMID_PATHS)
    number = _characters(pmid) if pmid is not None else ""
    if pmid is None or not number:
        beginning = excerpt(etree.tostring(element, encoding="utf-8", with_tail=False))
        return Failure(source, position, "", "the citation has no PMID", beginning)
    version = pmid.get("Version", "1")
    document_id = number if version == "1" else f"{number}.{version}"
    return Document(document_id, PARAGRAPH_BREAK.join(_paragraphs(element)))


def _paragraphs(element: etree._Element) -> Iterator[str]:
    titles = (_characters(title) for path in TITLE_PATHS for title in element.findall(path))
    yield from filter(None, [next(filter(None, titles), "")])
    abstract = _first(element, ABSTRACT_PATHS)
    if abstract is None:
        return
    for section in abstract.findall("AbstractText"):
        text = _characters(section)
        label = _XML_SPACE.sub(" ", section.get("Label", "")).strip()
        if text:
            yield f"{label}: {text}" if label not in ("", NO_LABEL) else text


def _first(element: etree._Element, paths: tuple[str, ...]) -> etree._Element | None:
    found = (element.find(path) for path in paths)
    return next((child for child in found if child is not None), None)


def _characters(element: etree._Element) -> str:
    """An element's text with that of its markup, on one line."""
    return _XML_SPACE.sub(" ", "".join(_pieces(element))).strip()


def _pieces(element: etree._Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if isinstance(child, etree._Entity):
            yield html.unescape(child.text or "")
        else:
            yield from _pieces(child)
        yield child.tail or ""
