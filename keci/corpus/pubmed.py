"""Documents out of PubMed XML: baseline and update files, efetch exports, MEDLINE sets.

A citation's text is its title, then each section of its abstract, with a blank line between them.
A labelled section begins with its label: ``METHODS: We gave ...`` (``UNLABELLED`` is left out).
Inline markup and MathML are kept as their characters, white space runs become one space. Where the
title is empty the vernacular or book title stands in; ``OtherAbstract`` (translations, plain
language summaries, another agency's abstract) is not read. A citation without title and abstract is
a document with an empty text. The id is the PMID, with ``.N`` for a version N above 1.
"""

import logging
from collections.abc import Iterator

from lxml import etree

from keci.corpus.sources import ContentStream, ReadOptions, excerpt
from keci.corpus.xmlstream import characters, first_element, one_line, stream_elements
from keci.documents import Document, Failure
from keci.errors import DataError

ROOTS = frozenset(
    ["PubmedArticleSet", "PubmedBookArticleSet", "MedlineCitationSet", "PubmedArticle",
     "PubmedBookArticle", "MedlineCitation"]
)  # fmt: skip
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

_log = logging.getLogger(__name__)


def read_pubmed(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    """The citations in order; a damaged file gives those before the damage, then one Failure.

    The PMIDs of a DeleteCitation are no records: their number is logged.
    """
    position = 0
    elements = stream_elements(
        stream,
        tags=(*CITATION_TAGS, DELETION_TAG),
        roots=ROOTS,
        limit=options.max_record_bytes,
    )
    try:
        for element in elements:
            if element.tag == DELETION_TAG:
                deleted = len(element.findall("PMID"))
                _log.info("%s: lists %d deleted citations, which are not read", source, deleted)
            else:
                position += 1
                yield _read_citation(element, source, position)
    except DataError as error:
        yield Failure(source, position + 1, "", str(error))


def _read_citation(element: etree._Element, source: str, position: int) -> Document | Failure:
    pmid = first_element(element, PMID_PATHS)
    number = characters(pmid) if pmid is not None else ""
    if pmid is None or not number:
        beginning = excerpt(etree.tostring(element, encoding="utf-8", with_tail=False))
        return Failure(source, position, "", "the citation has no PMID", beginning)
    version = pmid.get("Version", "1")
    document_id = number if version == "1" else f"{number}.{version}"
    return Document(document_id, PARAGRAPH_BREAK.join(_paragraphs(element)))


def _paragraphs(element: etree._Element) -> Iterator[str]:
    titles = (characters(title) for path in TITLE_PATHS for title in element.findall(path))
    yield from filter(None, [next(filter(None, titles), "")])
    abstract = first_element(element, ABSTRACT_PATHS)
    if abstract is None:
        return
    for section in abstract.findall("AbstractText"):
        text = characters(section)
        label = one_line(section.get("Label", ""))
        if text:
            yield f"{label}: {text}" if label not in ("", NO_LABEL) else text
