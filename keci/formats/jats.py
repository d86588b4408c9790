"""Documents out of JATS full text (PubMed Central): title, abstracts, body sections, captions.

Each title, paragraph, list item and caption is a paragraph of the text, separated by blank lines,
in the order of the article. Not read: tables' cells, TeX sources of formulas, labels, back matter
(references, acknowledgements), translated abstracts, and responses to the article. The id is the
PMC id with its ``PMC``, else the PMID, the DOI, the publisher's id, or ``source:position``.
"""

from collections.abc import Iterator

from lxml import etree

from keci.documents import Document, Failure
from keci.errors import DataError
from keci.formats.stream import ContentStream, ReadOptions, excerpt, kept
from keci.formats.xml import (
    characters,
    check_record,
    entity_text,
    local_name,
    one_line,
    original_of,
    stream_elements,
)

ROOTS = frozenset(["article", "articles", "pmc-articleset"])
PARTS = (
    "{*}front/{*}article-meta/{*}title-group",
    "{*}front/{*}article-meta/{*}abstract",
    "{*}body",
    "{*}floats-group",
)
ID_TYPES = ("pmcid", "pmc", "pmid", "doi", "publisher-id")
PARAGRAPH_TAGS = frozenset(
    ["abstract", "article-title", "boxed-text", "caption", "def", "def-item", "def-list",
     "disp-formula", "disp-quote", "fig", "fig-group", "fn", "list", "list-item", "p", "sec",
     "speech", "statement", "subtitle", "table-wrap", "table-wrap-foot", "term", "title",
     "verse-group", "verse-line"]
)  # fmt: skip
UNREAD_TAGS = frozenset(
    ["graphic", "inline-graphic", "label", "media", "object-id", "table", "tex-math",
     "trans-title-group", "alt-title"]
)  # fmt: skip
BREAK = "\x00"
"""Stands between paragraphs while they are collected; XML cannot contain it."""


def read_jats(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    """The articles in order; a damaged file gives those before the damage, then one Failure."""
    position = 0
    elements = stream_elements(stream, tags=("{*}article",), roots=ROOTS, options=options)
    try:
        for element in elements:
            position += 1
            yield _read_article(element, source, position, options)
    except DataError as error:
        yield Failure(source, position + 1, "", str(error))


def _read_article(
    article: etree._Element, source: str, position: int, options: ReadOptions
) -> Document | Failure:
    document_id = f"{source}:{position}"
    try:
        check_record(article, options.max_xml_depth)
        document_id = _article_id(article) or document_id
        return Document(document_id, _article_text(article))
    except DataError as error:
        content = original_of(article)
        return Failure(source, position, document_id, str(error), excerpt(content), kept(content))


def _article_text(article: etree._Element) -> str:
    if article.find("{*}front") is None and article.find("{*}body") is None:
        raise DataError("the article has neither front nor body: not JATS")
    parts = (part for path in PARTS for part in article.findall(path))
    paragraphs = "".join(piece for part in parts for piece in (BREAK, *_pieces(part))).split(BREAK)
    return "\n\n".join(filter(None, map(one_line, paragraphs)))


def _article_id(article: etree._Element) -> str:
    ids = {
        element.get("pub-id-type", ""): characters(element)
        for element in article.findall("{*}front/{*}article-meta/{*}article-id")
    }
    kind = next((kind for kind in ID_TYPES if ids.get(kind)), "")
    is_bare_pmc = kind in ("pmc", "pmcid") and ids[kind].isdecimal()
    return f"PMC{ids[kind]}" if is_bare_pmc else ids.get(kind, "")


def _pieces(element: etree._Element) -> Iterator[str]:
    """The element's text with a BREAK on either side of each paragraph in it."""
    yield element.text or ""
    for child in element:
        if isinstance(child, etree._Entity):
            yield entity_text(child)
        elif local_name(child) in PARAGRAPH_TAGS:
            yield from (BREAK, *_pieces(child), BREAK)
        elif local_name(child) not in UNREAD_TAGS:
            yield from _pieces(child)
        yield child.tail or ""
