"""Documents out of JATS full text (PubMed Central): title, abstracts, sections, captions, notes.

Each title, paragraph, list item and caption is a paragraph of the text, separated by blank lines,
in the order of the article; a footnote or figure inside a sentence follows the paragraph, and a
list or quotation behind which the sentence goes on is part of it, its items parted by ``;``. Back
matter is read where it is content (appendices, notes, endnotes). Sub-articles and responses are
records of their own, ``ID.s1`` and so on; of an article and its translation the English one is
read. Citations in superscript, or glued to a word, are left out, as are TeX sources, alternative
texts, labels, permissions, references, acknowledgements, funding, conflicts and, unless
``--set tables=rows`` asks for them, the cells of tables; the stream counts these. The id is the PMC
id with its ``PMC``, else the PMID, the DOI, the publisher's id, or ``source:position``.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lxml import etree

from keci.documents import Document, Failure
from keci.errors import DataError
from keci.formats.jats_apparatus import UNREAD_TAGS, is_apparatus, is_apparatus_of_body
from keci.formats.metadata import citation
from keci.formats.stream import ContentStream, ReadOptions, excerpt, kept
from keci.formats.xml import (
    HEADING_TAGS,
    INLINE_TAGS,
    characters,
    entity_text,
    is_heading_before,
    is_heading_behind,
    is_next_heading,
    local_name,
    one_line,
    original_of,
    stream_elements,
    words_of,
)
from keci.formats.xml_limits import check_record

ROOTS = frozenset(["article", "articles", "pmc-articleset", "OAI-PMH"])
ERROR_TAGS = ("Reply", "error")
FRONT_PARTS = (
    "{*}front/{*}article-meta/{*}title-group",
    "{*}front-stub/{*}title-group",
    "{*}front/{*}article-meta/{*}abstract",
    "{*}front-stub/{*}abstract",
    "{*}body",
)
FLOAT_PARTS = ("{*}floats-group", "{*}floats-wrap")
SUB_ARTICLE_TAGS = ("{*}sub-article", "{*}response")
ID_TYPES = ("pmcid", "pmc", "pmid", "doi", "publisher-id")
FLOAT_TAGS = frozenset(
    ["boxed-text", "chem-struct-wrap", "fig", "fig-group", "fn", "fn-group", "graphic", "media",
     "supplementary-material", "table-wrap", "table-wrap-group"]
)  # fmt: skip
"""Elements that are no part of the sentence around them."""

ALTERNATIVES = ("math", "chem-struct", "textual-form")
PICTURES = frozenset(["graphic", "media"])
"""Alternatives of what has words, too."""

COUNTED = {
    "ack": "acknowledgements",
    "ref-list": "reference lists",
    "table": "tables",
    "tex-math": "TeX formulas",
    "trans-abstract": "translated abstracts",
}
BREAK, LINE = "\x00", "\x01"
"""Stand between paragraphs and lines while these are collected; XML cannot contain them."""

CELL_SEPARATOR = " | "
_MARKS = frozenset(["bibr", "fn", "table-fn", "aff", "corresp", "author-notes"])
_CITATION_TEXT = re.compile(r"(?:[\s\d,;:.\[\](){}*†‡§¶#‖–—−-]|and\b|[a-z]\b)*+")
_NUMBERS = r"\d{1,3}(?:\s*+[,;–—-]\s*+\d{1,3})*"
_NOTE_MARKS = r"(?:[a-h]|[*†‡§¶#‖]++)(?:\s*+,\s*+(?:[a-h]|[*†‡§¶#‖]++))*"
_PLAIN_MARK = re.compile(rf"\s*+(?:[\[(]?\s*+{_NUMBERS}\s*+[\])]?|{_NOTE_MARKS})\s*+")
_SEPARATORS = re.compile(r"[\s,;–—−-]*")
_OPEN_BRACKET = re.compile(r"[\[(][\s\d,;:.–—−-]*\Z")
_GOES_ON = re.compile(r"[a-z]{2}|[,;)]")
_NEAREST_PIECES = 12
"""So many pieces before a citation may be others in its brackets."""

_WORD_END = re.compile(r"(?:[a-z]{4}|[\])])\Z")
_STOP_END = re.compile(r"[^\W\d_]{2}[\])]?[.,;:]\Z")


def read_jats(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    """The articles in order; damage is a Failure behind the articles before it."""
    position = stream.relay.position
    elements = stream_elements(stream, tags=("article", *ERROR_TAGS), roots=ROOTS, options=options)
    for element in elements:
        for content in _read_element(element, source, position + 1, options, stream.left_out):
            position += 1
            yield content


def _read_element(
    element: etree._Element | DataError,
    source: str,
    position: int,
    options: ReadOptions,
    left_out: Counter[str],
) -> Iterator[Document | Failure]:
    if isinstance(element, DataError):
        yield Failure(source, position, "", str(element))
    elif local_name(element) in ERROR_TAGS:
        beginning = excerpt(original_of(element))
        yield Failure(
            source, position, "", f"the input is an error: {words_of(element)}", beginning
        )
    else:
        yield from _read_article(element, source, position, options, left_out)


def _read_article(
    article: etree._Element,
    source: str,
    position: int,
    options: ReadOptions,
    left_out: Counter[str],
) -> Iterator[Document | Failure]:
    document_id = f"{source}:{position}"
    try:
        check_record(article, options.max_xml_depth)
        document_id = _article_id(article) or document_id
        if article.find("{*}front") is None and article.find("{*}body") is None:
            raise DataError("the article has neither front nor body: not JATS")
    except DataError as error:
        content = original_of(article)
        yield Failure(source, position, document_id, str(error), excerpt(content), kept(content))
        return
    for suffix, part in _chosen(article, left_out):
        text = _ArticleText(left_out, has_tables=options.tables == "rows")
        metadata = _metadata(part, article) if options.metadata else None
        yield Document(f"{document_id}{suffix}", text.of(part), metadata)


def _metadata(part: etree._Element, article: etree._Element) -> Mapping[str, Any] | None:
    """Title and DOI of the article, or of the part that is read of it; its journal and year."""

    def told(of: etree._Element, *paths: str) -> str:
        elements = (item for path in paths for item in of.findall(path))
        return next(filter(None, (one_line(characters(item)) for item in elements)), "")

    def own(path: str) -> str:
        return told(part, *(f"{front}/{path}" for front in _FRONTS))

    journal = "{*}front/{*}journal-meta/"
    return citation(
        title=own("{*}title-group/{*}article-title"),
        journal=told(
            article,
            f"{journal}{{*}}journal-title-group/{{*}}journal-title",
            f"{journal}{{*}}journal-title",
        ),
        year=told(article, f"{_FRONTS[0]}/{{*}}pub-date/{{*}}year"),
        doi=own("{*}article-id[@pub-id-type='doi']"),
    )


_FRONTS = ("{*}front/{*}article-meta", "{*}front-stub")


def _chosen(
    article: etree._Element, left_out: Counter[str]
) -> Iterator[tuple[str, etree._Element]]:
    """The article and its sub-articles with the ends of their ids; of translations the English."""
    parts = [("", article)]
    for number, part in enumerate(article.iterdescendants(*SUB_ARTICLE_TAGS), start=1):
        parts.append((f".s{number}", part))
    translations = {suffix for suffix, part in parts if _is_translation(part)}
    english = {suffix for suffix, part in parts if _language(part) in ("", "en")}
    is_replaced = "" not in english and bool(translations & english)
    for suffix, part in parts:
        is_other = suffix in translations and (not is_replaced or suffix not in english)
        if is_other or (not suffix and is_replaced):
            left_out["texts that are there in English"] += 1
        else:
            yield suffix, part


def _is_translation(part: etree._Element) -> bool:
    kinds = (part.get("article-type", ""), part.get("response-type", ""))
    return "translation" in kinds


def _language(part: etree._Element) -> str:
    given = part.get("{http://www.w3.org/XML/1998/namespace}lang", "")
    return given.lower().partition("-")[0]


def _article_id(article: etree._Element) -> str:
    ids = {
        element.get("pub-id-type", ""): characters(element)
        for element in article.findall("{*}front/{*}article-meta/{*}article-id")
    }
    kind = next((kind for kind in ID_TYPES if ids.get(kind)), "")
    is_bare_pmc = kind in ("pmc", "pmcid") and ids[kind].isdecimal()
    return f"PMC{ids[kind]}" if is_bare_pmc else ids.get(kind, "")


class _ArticleText:
    """Collects the paragraphs of an article, and counts what is left out of them."""

    def __init__(self, left_out: Counter[str], *, has_tables: bool) -> None:
        self._left_out, self._has_tables = left_out, has_tables
        self._pieces: list[str] = []
        self._cited: etree._Element | None = None
        self._floats: list[etree._Element] | None = None
        self._is_within = False

    def of(self, article: etree._Element) -> str:
        for part in _parts(article):
            self._add_block(part)
        for back in article.findall("{*}back"):
            for part in back:
                if isinstance(part, etree._Entity) or is_apparatus(part):
                    self._left_out["parts of back matter"] += 1
                else:
                    self._add_block(part)
        for part in (found for path in FLOAT_PARTS for found in article.findall(path)):
            self._add_block(part)
        paragraphs = "".join(self._pieces).split(BREAK)
        return "\n\n".join(filter(None, map(_paragraph, paragraphs)))

    def _add_block(self, element: etree._Element) -> None:
        """An element as one or more paragraphs."""
        self._pieces.append(BREAK)
        self._add(element)
        self._pieces.append(BREAK)

    def _add_within(self, element: etree._Element) -> None:
        """A block as part of the sentence around it."""
        outer, self._pieces, self._is_within = self._pieces, [], True
        self._add(element)
        inner, self._pieces, self._is_within = "".join(self._pieces), outer, False
        items = filter(None, map(one_line, inner.replace(LINE, " ").split(BREAK)))
        outer += (" ", "; ".join(items), " " if (element.tail or "")[:1].isalnum() else "")

    def _add_paragraph(self, element: etree._Element) -> None:
        """A paragraph, then what floats in it."""
        if self._is_within:
            self._add_block(element)
            return
        outer, self._floats = self._floats, []
        self._add_block(element)
        floats, self._floats = self._floats, outer
        for child in floats:
            self._add_block(child)

    def _add(self, element: etree._Element) -> None:
        """An element's text with a BREAK on either side of each paragraph in it."""
        pieces = self._pieces
        if element.text:
            pieces.append(element.text)
        for child in element:
            if isinstance(child, etree._Entity):
                pieces.append(entity_text(child))
            else:
                self._add_child(child, local_name(child), element)
            if tail := child.tail:
                is_plain = child is not self._cited and not tail[0].isupper()
                pieces.append(tail if is_plain else self._behind(child, tail))

    def _behind(self, child: etree._Element, tail: str) -> str:
        """What follows an element, without the comma between two citations that are left out."""
        if child is self._cited and _SEPARATORS.fullmatch(tail):
            following = child.getnext()
            return "" if following is not None and _is_citation(following) else tail
        return f" {tail}" if is_heading_before(child, tail) else tail

    def _before(self) -> str:
        """The last piece that is not empty."""
        for piece in reversed(self._pieces):
            if piece:
                return piece
        return ""

    def _add_child(self, child: etree._Element, name: str, parent: etree._Element) -> None:
        if name in UNREAD_TAGS:
            if name in COUNTED:
                self._left_out[COUNTED[name]] += 1
        elif name in INLINE_TAGS:
            self._add_inline(child, name, parent)
        elif name == "break":
            self._pieces.append(LINE)
        elif name == "alternatives":
            self._add_alternative(child, parent)
        elif name in _TABLE_TAGS:
            self._add_table(child, name)
        elif name.startswith("disp-formula") or name in _SPACED_TAGS:
            self._pieces.append(" ")
            self._add(child)
            self._pieces.append(" ")
        elif name in _NO_PART_OF_TEXT and _NO_PART_OF_TEXT[name](child):
            self._left_out["parts of back matter"] += 1
        elif self._floats is not None and _is_float(name, parent):
            self._floats.append(child)
        elif name in ("p", "title"):
            self._add_paragraph(child)
        elif self._floats is not None and not self._is_within and self._goes_on(child):
            self._add_within(child)
        else:
            self._add_block(child)

    def _goes_on(self, block: etree._Element) -> bool:
        """Whether the sentence before a block goes on behind it."""
        before, following = self._before().rstrip(), block.getnext()
        tail = (block.tail or "").lstrip()
        if not tail and following is not None and _is_element(following):
            tail = characters(following) if local_name(following) in INLINE_TAGS else ""
        return before[-1:] not in ("", BREAK, ".", "!", "?") and _GOES_ON.match(tail) is not None

    def _add_inline(self, child: etree._Element, name: str, parent: etree._Element) -> None:
        before = self._before()
        if self._is_left_out(child, name, before):
            self._left_out["citations"] += 1
            self._cited = child
        elif name == "sup" and _PLAIN_MARK.fullmatch(child.text or "") and not len(child):
            self._add_plain_mark(child, before)
        else:
            if name in HEADING_TAGS:
                is_heading = is_next_heading(child) or is_heading_behind(child, before)
                self._pieces.append(" " if is_heading else "")
            elif local_name(parent) == "mfrac" and child.getprevious() is not None:
                self._pieces.append("/")
            self._add(child)

    def _is_left_out(self, child: etree._Element, name: str, before: str) -> bool:
        """Whether an element is a citation, raised or glued to what stands before it.

        One in brackets of the text stays with these.
        """
        if name == "xref" and _is_mark(child):
            is_glued = bool(before[-1:].strip()) or self._follows_citation(child)
            return _is_raised(child) or (is_glued and not self._is_in_brackets())
        return name == "sup" and (_is_raised_citation(child) or self._is_between(child))

    def _is_in_brackets(self) -> bool:
        return _OPEN_BRACKET.search("".join(self._pieces[-_NEAREST_PIECES:])) is not None

    def _is_between(self, sup: etree._Element) -> bool:
        """Whether a raised comma stands behind a citation that is left out."""
        is_mere_sign = _SEPARATORS.fullmatch(sup.text or "") and not len(sup)
        return bool(is_mere_sign) and self._follows_citation(sup)

    def _follows_citation(self, element: etree._Element) -> bool:
        """Whether a citation that is left out stands right before an element."""
        previous = element.getprevious()
        if previous is None or previous is not self._cited:
            return False
        return _SEPARATORS.fullmatch(previous.tail or "") is not None

    def _add_plain_mark(self, child: etree._Element, before: str) -> None:
        """A raised number or mark: left out behind a sentence, apart behind a word, else read."""
        if _STOP_END.search(before):
            self._left_out["citations"] += 1
        else:
            gap = " " if _WORD_END.search(before) else ""
            self._pieces += (gap, child.text or "")

    def _add_alternative(self, element: etree._Element, parent: etree._Element) -> None:
        """One of several forms of a thing."""
        forms = {local_name(child): child for child in reversed(element) if _is_element(child)}
        chosen = next((name for name in ALTERNATIVES if name in forms), None)
        others = (name for name in forms if name not in UNREAD_TAGS | PICTURES)
        chosen = chosen or next(others, None)
        if chosen is not None:
            self._add_child(forms[chosen], chosen, parent)

    def _add_table(self, element: etree._Element, name: str) -> None:
        if not self._has_tables:
            self._left_out["tables"] += name == "table"
            return
        if name == "tr":
            self._add_row(element)
        else:
            self._add_block(element)

    def _add_row(self, row: etree._Element) -> None:
        """A row of a table as a line, its cells apart."""
        self._pieces.append(BREAK)
        for number, cell in enumerate(filter(_is_element, row)):
            text = _ArticleText(self._left_out, has_tables=True)
            text._add(cell)
            words = " ".join("".join(text._pieces).translate(_IN_A_CELL).split())
            self._pieces += (CELL_SEPARATOR if number else "", words)
        self._pieces.append(BREAK)


_IN_A_CELL = str.maketrans({BREAK: " ", LINE: " "})
_TABLE_TAGS = frozenset(["table", "thead", "tbody", "tfoot", "tr"])
_SPACED_TAGS = frozenset(["mtd", "mtr", "mtable", "textual-form"])


def _parts(article: etree._Element) -> Iterator[etree._Element]:
    for path in FRONT_PARTS:
        yield from article.findall(path)


def _is_element(child: etree._Element) -> bool:
    return not isinstance(child, etree._Entity)


_NO_PART_OF_TEXT = {"fn": is_apparatus, "sec": is_apparatus_of_body}


def _is_float(name: str, parent: etree._Element) -> bool:
    return name in FLOAT_TAGS or (name == "def" and local_name(parent) == "abbrev")


def _is_mark(xref: etree._Element) -> bool:
    """Whether a reference is a citation or note by its number or sign alone."""
    kinds = xref.get("ref-type", "").split()
    return bool(_MARKS.intersection(kinds)) and _is_citation_text(xref.itertext())


def _is_raised(xref: etree._Element) -> bool:
    return any(local_name(child) == "sup" for child in filter(_is_element, xref))


def _is_raised_citation(sup: etree._Element) -> bool:
    return any(_is_mark(xref) for xref in sup.iter("{*}xref")) and _is_citation_text(sup.itertext())


def _is_citation(element: etree._Element) -> bool:
    """Whether an element is a citation's number or a sign that is raised with it."""
    if not _is_element(element):
        return False
    if local_name(element) == "xref":
        return _is_mark(element)
    is_sign = bool(element.text) and _SEPARATORS.fullmatch(element.text or "") is not None
    return local_name(element) == "sup" and (is_sign or _is_raised_citation(element))


def _is_citation_text(texts: Iterable[object]) -> bool:
    return _CITATION_TEXT.fullmatch("".join(map(str, texts))) is not None


def _paragraph(text: str) -> str:
    """A paragraph in one line, or as many as it has breaks."""
    if LINE not in text:
        return one_line(text)
    return "\n".join(filter(None, map(one_line, text.split(LINE))))
