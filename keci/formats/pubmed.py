"""Documents out of PubMed XML: baseline and update files, efetch exports, MEDLINE sets.

A citation's text is its title, then each section of its abstract, with a blank line between them.
A labelled section begins with its label: ``METHODS: We gave ...`` (``UNLABELLED`` is left out).
Inline markup and MathML are kept as their characters, white space runs become one space. Where the
title is empty or says that it is not available, the vernacular or book title stands in; where there
is no abstract, an English ``OtherAbstract`` does (a plain language summary or another agency's).
Other ``OtherAbstract`` elements are left out, and the stream counts them. A citation without title
and abstract is a document with an empty text. The id is the PMID, with ``.N`` for a version N above
1.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from keci.documents import Document, Failure
from keci.errors import DataError
from keci.formats.metadata import citation
from keci.formats.stream import ContentStream, Deletion, ReadOptions, excerpt, kept
from keci.formats.xml import (
    characters,
    check_record,
    first_element,
    one_line,
    original_of,
    stream_elements,
    without_namespaces,
    words_of,
)

ROOTS = frozenset(
    ["PubmedArticleSet", "PubmedBookArticleSet", "MedlineCitationSet", "PubmedArticle",
     "PubmedBookArticle", "MedlineCitation", "OAI-PMH"]
)  # fmt: skip
CITATION_TAGS = ("PubmedArticle", "PubmedBookArticle", "MedlineCitation")
DELETION_TAG = "DeleteCitation"
ERROR_TAG = "ERROR"
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
NOT_AVAILABLE = re.compile(r"\[?(?:Title )?Not Available\.?\]?\.?", re.IGNORECASE)
PMID_PATHS = ("MedlineCitation/PMID", "PMID", "BookDocument/PMID")
JOURNAL_PATHS = (
    "MedlineCitation/Article/Journal/Title",
    "Article/Journal/Title",
    "MedlineCitation/MedlineJournalInfo/MedlineTA",
    "MedlineJournalInfo/MedlineTA",
)
YEAR_PATHS = (
    "MedlineCitation/Article/Journal/JournalIssue/PubDate/Year",
    "Article/Journal/JournalIssue/PubDate/Year",
    "MedlineCitation/Article/Journal/JournalIssue/PubDate/MedlineDate",
    "Article/Journal/JournalIssue/PubDate/MedlineDate",
    "BookDocument/Book/PubDate/Year",
)
DOI_PATHS = (
    "MedlineCitation/Article/ELocationID[@EIdType='doi']",
    "Article/ELocationID[@EIdType='doi']",
    "PubmedData/ArticleIdList/ArticleId[@IdType='doi']",
)
NO_LABEL = "UNLABELLED"
PARAGRAPH_BREAK = "\n\n"


def read_pubmed(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure | Deletion]:
    """The citations in order; damage is a Failure behind the citations before it.

    Each PMID of a DeleteCitation is a Deletion in its place.
    """
    position = 0
    elements = stream_elements(
        stream,
        tags=(*CITATION_TAGS, DELETION_TAG, ERROR_TAG),
        roots=ROOTS,
        options=options,
    )
    for element in elements:
        if not isinstance(element, DataError) and element.tag == DELETION_TAG:
            yield from (Deletion(_citation_id(pmid)) for pmid in element.findall("PMID"))
        else:
            position += 1
            yield _read_element(element, source, position, options, stream.left_out)


def _read_element(
    element: etree._Element | DataError,
    source: str,
    position: int,
    options: ReadOptions,
    left_out: Counter[str],
) -> Document | Failure:
    if isinstance(element, DataError):
        return Failure(source, position, "", str(element))
    element = without_namespaces(element)
    if element.tag == ERROR_TAG:
        beginning = excerpt(original_of(element))
        return Failure(
            source, position, "", f"the input is an error: {words_of(element)}", beginning
        )
    return _read_citation(element, source, position, options, left_out)


def _read_citation(
    element: etree._Element,
    source: str,
    position: int,
    options: ReadOptions,
    left_out: Counter[str],
) -> Document | Failure:
    document_id = ""
    try:
        check_record(element, options.max_xml_depth)
        pmid = first_element(element, PMID_PATHS)
        document_id = "" if pmid is None else _citation_id(pmid)
        if not document_id:
            raise DataError("the citation has no PMID")
        text = PARAGRAPH_BREAK.join(_paragraphs(element, left_out))
        return Document(document_id, text, _metadata(element) if options.metadata else None)
    except DataError as error:
        content = original_of(element)
        return Failure(source, position, document_id, str(error), excerpt(content), kept(content))


def _metadata(element: etree._Element) -> Mapping[str, Any] | None:
    return citation(
        title=next(_titles(element), ""),
        journal=_first_text(element, JOURNAL_PATHS),
        year=_first_text(element, YEAR_PATHS),
        doi=_first_text(element, DOI_PATHS),
    )


def _first_text(element: etree._Element, paths: tuple[str, ...]) -> str:
    found = (characters(part) for path in paths for part in element.findall(path))
    return next(filter(None, found), "")


def _citation_id(pmid: etree._Element) -> str:
    """The PMID, with its version where that is another than 1; empty where there is no PMID."""
    number, version = characters(pmid), pmid.get("Version", "1")
    return number if version == "1" or not number else f"{number}.{version}"


def _paragraphs(element: etree._Element, left_out: Counter[str]) -> Iterator[str]:
    title = next(_titles(element), "")
    if title:
        yield title
    abstract = first_element(element, ABSTRACT_PATHS)
    sections = [] if abstract is None else list(_sections(abstract))
    for other in element.iter("OtherAbstract"):
        is_english = other.get("Language", "eng").lower() in ("", "eng", "en")
        if is_english and not sections:
            sections = list(_sections(other))
        else:
            left_out["other abstracts"] += 1
    yield from sections


def _titles(element: etree._Element) -> Iterator[str]:
    for path in TITLE_PATHS:
        for title in element.findall(path):
            text = characters(title)
            if text and not NOT_AVAILABLE.fullmatch(text):
                yield text


def _sections(abstract: etree._Element) -> Iterator[str]:
    for section in abstract.findall("AbstractText"):
        text = characters(section)
        label = one_line(section.get("Label", ""))
        if text:
            yield f"{label}: {text}" if label not in ("", NO_LABEL) else text
