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
    child_of,
    one_line,
    original_of,
    stream_elements,
    without_namespaces,
    words_of,
)
from keci.formats.xml_limits import check_record

ROOTS = frozenset(
    ["PubmedArticleSet", "PubmedBookArticleSet", "MedlineCitationSet", "PubmedArticle",
     "PubmedBookArticle", "MedlineCitation", "OAI-PMH"]
)  # fmt: skip
CITATION_TAGS = ("PubmedArticle", "PubmedBookArticle", "MedlineCitation")
DELETION_TAG = "DeleteCitation"
ERROR_TAG = "ERROR"
NOT_AVAILABLE = re.compile(
    r"\[?(?:(?:Title )?Not Available|In Process Citation)\.?\]?\.?", re.IGNORECASE
)
NO_ABSTRACT = re.compile(
    r"\[?(?:No abstract|Abstract not|Abstract) available(?: from the publisher)?\.?\]?\.?",
    re.IGNORECASE,
)
TITLE_TAGS = ("ArticleTitle", "VernacularTitle")
NO_LABEL = "UNLABELLED"
PARAGRAPH_BREAK = "\n\n"
LONGEST_NOT_AVAILABLE = len("[Title Not Available.].")
LONGEST_NO_ABSTRACT = len("[Abstract available from the publisher.].")


def read_pubmed(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure | Deletion]:
    """The citations in order; damage is a Failure behind the citations before it.

    Each PMID of a DeleteCitation is a Deletion in its place.
    """
    position = stream.relay.position
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
        parts = _Parts(element)
        document_id = "" if parts.pmid is None else _citation_id(parts.pmid)
        if not document_id:
            raise DataError("the citation has no PMID")
        title = next(parts.titles(), "")
        sections = parts.sections(left_out)
        text = PARAGRAPH_BREAK.join([title, *sections] if title else sections)
        return Document(document_id, text, parts.metadata(title) if options.metadata else None)
    except DataError as error:
        content = original_of(element)
        return Failure(source, position, document_id, str(error), excerpt(content), kept(content))


def _citation_id(pmid: etree._Element) -> str:
    """The PMID, with its version where that is another than 1; empty where there is no PMID."""
    number, version = characters(pmid), pmid.get("Version", "1")
    return number if version == "1" or not number else f"{number}.{version}"


class _Parts:
    """The parts of a citation's record by their tags, the first where a tag repeats."""

    def __init__(self, record: etree._Element) -> None:
        citation = child_of(record, "MedlineCitation")
        self._record = record
        self._citation = _children(record if citation is None else citation)
        article = self._citation.get("Article")
        book = child_of(record, "BookDocument") if article is None else None
        self._article = _children(article if book is None else book)
        self.pmid = self._citation.get("PMID", None if book is None else child_of(book, "PMID"))

    def titles(self) -> Iterator[str]:
        """The titles that say something, the English one first."""
        found = [self._article.get(tag) for tag in TITLE_TAGS]
        if "Book" in self._article:
            found.append(child_of(self._article["Book"], "BookTitle"))
        for text in map(_words, found):
            is_long = len(text) > LONGEST_NOT_AVAILABLE
            if text and (is_long or not NOT_AVAILABLE.fullmatch(text)):
                yield text

    def sections(self, left_out: Counter[str]) -> list[str]:
        """The paragraphs of the abstract, or of another in English where there is none."""
        abstract = self._article.get("Abstract")
        sections = [] if abstract is None else list(_sections(abstract))
        for other in _alike(self._citation.get("OtherAbstract")):
            is_english = other.get("Language", "eng").lower() in ("", "eng", "en")
            if is_english and not sections:
                sections = list(_sections(other))
            else:
                left_out["other abstracts"] += 1
        return sections

    def metadata(self, title: str) -> Mapping[str, Any] | None:
        journal = _children(self._article.get("Journal"))
        name = _words(journal.get("Title")) or _words(
            child_of(self._citation.get("MedlineJournalInfo"), "MedlineTA")
        )
        issue = journal.get("JournalIssue") if journal else self._article.get("Book")
        published = _children(child_of(issue, "PubDate"))
        year = _words(published.get("Year")) or _words(published.get("MedlineDate"))
        return citation(title=title, journal=name, year=year, doi=self._doi())

    def _doi(self) -> str:
        return _first_doi(self._article.get("ELocationID"), "EIdType") or _first_doi(
            child_of(self._record, "PubmedData", "ArticleIdList", "ArticleId"), "IdType"
        )


def _first_doi(first: etree._Element | None, kind: str) -> str:
    """What the first of alike siblings says whose attribute ``kind`` is "doi"."""
    for item in _alike(first):
        if item.get(kind) == "doi" and (found := characters(item)):
            return found
    return ""


def _children(element: etree._Element | None) -> dict[str, etree._Element]:
    return {} if element is None else {child.tag: child for child in reversed(element)}


def _alike(first: etree._Element | None) -> Iterator[etree._Element]:
    """An element and its later siblings of the same tag."""
    if first is not None:
        yield first
        yield from first.itersiblings(first.tag)


def _words(element: etree._Element | None) -> str:
    return "" if element is None else characters(element)


def _sections(abstract: etree._Element) -> Iterator[str]:
    for section in abstract.iterchildren("AbstractText"):
        text = characters(section)
        if len(text) <= LONGEST_NO_ABSTRACT and NO_ABSTRACT.fullmatch(text):
            continue
        label = section.get("Label", "")
        if text and label and (label := one_line(label)) not in ("", NO_LABEL):
            yield f"{label}: {text}"
        elif text:
            yield text
