"""XML records one by one from a stream, with nothing fetched, nothing resolved, and flat memory.

A stream may hold several documents behind each other, each with its own root, as answers of
efetch put into one file do. Where a root is another reader's, that one reads on.
"""

import html
import re
from collections.abc import Generator, Iterator
from typing import cast

from lxml import etree

from keci.errors import DataError
from keci.formats.stream import ContentStream, ReadOptions
from keci.formats.xml_limits import Growth

PROLOG = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>)*", re.S)
"""What may stand before a root element."""

START_TAG = re.compile(rb"<((?:[\w.-]+:)?([A-Za-z_][\w.-]*))")
"""The beginning of an element: its name as written, and without its prefix."""

_TAG_END = re.compile(rb"""(?:[^>"']|"[^"]*"|'[^']*')*+>""")
_XML_SPACE = re.compile("[ \t\r\n]+")
_ROOT_WITHIN = 16384
_BETWEEN = re.compile(rb"(?:[ \t\r\n]+|\xef\xbb\xbf|<!--.*?-->|<\?(?!xml[ \t\r\n]).*?\?>)*", re.S)
_UNFINISHED = (b"<!--", b"<?")
_DECLARATION = re.compile(rb"<\?xml[ \t\r\n]")
_LONGEST_BREAK = 256
"""So many bytes of a chunk are looked at again with the next: a tag may lie across both."""

_LONGEST_WORDS = 300


def stream_elements(
    stream: ContentStream, *, tags: tuple[str, ...], roots: frozenset[str], options: ReadOptions
) -> Iterator[etree._Element | DataError]:
    """The outermost elements of the tags as their end tags come; each is freed afterwards.

    Of one with too many elements in it only the outermost is left, which ``check_record`` refuses.
    An error stands where XML is damaged, after the elements before the damage; where more than the
    limit of bytes or elements go by without an element of the tags; where there are too many names;
    and where a document has none of the tags and its root is not in ``roots``. Reading goes on
    behind damage with the next XML declaration, if there is one. Tags are names without namespace.
    """
    growth = stream.relay.growth or Growth(options)
    stream.relay.growth = growth
    reader = _DocumentReader(tags, roots, stream.relay.roots - roots, growth)
    try:
        while chunk := stream.read():
            growth.add(chunk)
            yield from reader.feed(chunk)
            growth.check()
            if reader.left:
                break
        yield from reader.finish()
        if reader.left:
            stream.leave(*reader.left)
    except DataError as error:
        yield error


class _DocumentReader:
    """Finds the documents of a stream, and in each the elements of the tags."""

    def __init__(
        self,
        tags: tuple[str, ...],
        roots: frozenset[str],
        other_roots: frozenset[str],
        growth: Growth,
    ) -> None:
        self._tags, self._roots, self._growth = tags, roots, growth
        self._other_roots = other_roots
        self.left: tuple[bytes, str] | None = None
        self._waiting = b""
        self._seen = b""
        self._document: _Document | None = None
        self._is_lost = False
        self._documents = 0

    def feed(self, chunk: bytes) -> Iterator[etree._Element | DataError]:
        while chunk and not self.left:
            if self._is_lost:
                chunk = self._found_again(chunk)
            elif self._document is None:
                chunk = self._begun(self._waiting + chunk, is_last=False)
            else:
                chunk = yield from self._read_on(self._document, chunk)

    def finish(self) -> Iterator[etree._Element | DataError]:
        while self._waiting and self._document is None and not self._is_lost:
            rest = self._begun(self._waiting, is_last=True)
            if self._document is None:
                break
            rest = yield from self._read_on(self._document, rest)
            yield from self.feed(rest)
        if not self._documents and not self.left:
            yield DataError("not well-formed XML: there is no element")
        if self._document is not None:
            yield from self._document.end()

    def _begun(self, content: bytes, *, is_last: bool) -> bytes:
        """Begin a document where its root is seen; what comes before it waits till then."""
        between = _BETWEEN.match(content)
        start = content[between.end() if between else 0 :]
        self._waiting = start
        is_unfinished = start.startswith(_UNFINISHED) and not _DECLARATION.match(start)
        if not start or (is_unfinished and is_last and self._documents):
            return b""
        prolog = PROLOG.match(start)
        root = START_TAG.match(start, prolog.end() if prolog else 0)
        tag_end = _TAG_END.match(start, root.end()) if root else None
        if not tag_end and not is_last and len(start) < _ROOT_WITHIN:
            return b""
        name, local = (root.group(1), root.group(2)) if root else (b"", b"")
        tag = local.decode("ascii", "replace")
        if tag in self._other_roots:
            self.left = start, tag
            return b""
        self._document = _Document(self._tags, self._roots, name, tag, self._growth)
        if tag_end and tag_end.group().endswith(b"/>"):
            self._document.empty_until = tag_end.end()
        self._documents += 1
        self._waiting, self._seen = b"", b""
        return start

    def _read_on(
        self, document: "_Document", chunk: bytes
    ) -> Generator[etree._Element | DataError, None, bytes]:
        """Read to the end of the document or chunk; returns what lies behind the document."""
        end = document.root_end(self._seen, chunk)
        piece, rest = (chunk, b"") if end is None else (chunk[:end], chunk[end:])
        yield from document.feed(piece)
        if document.problem:
            yield document.problem
            window = self._seen + piece
            has_begun_here = document.size <= len(window)
            self._document, self._is_lost, self._seen = None, True, b""
            self._growth.record = None
            return (window[1:] if has_begun_here else window) + rest
        end_of_piece = piece[-_LONGEST_BREAK:]
        self._seen = (self._seen + end_of_piece)[-_LONGEST_BREAK:]
        if document.is_over:
            yield from document.end()
            self._document = None
        return rest

    def _found_again(self, chunk: bytes) -> bytes:
        """What follows from the next XML declaration on."""
        content = self._seen + chunk
        found = _DECLARATION.search(content)
        if found is None:
            self._seen = content[-_DECLARATION_PREFIX:]
            return b""
        self._is_lost, self._seen = False, b""
        return content[found.start() :]


_DECLARATION_PREFIX = len(b"<?xml")


class _Document:
    """A document that is being parsed."""

    def __init__(
        self,
        tags: tuple[str, ...],
        roots: frozenset[str],
        name: bytes,
        root: str,
        growth: Growth,
    ) -> None:
        self._growth = growth
        self._tags, self._roots = frozenset(tags), roots
        watched = dict.fromkeys([*tags, root] if root else tags)
        self._parser = _parser(tuple(f"{{*}}{tag}" for tag in watched))
        self._root_end = re.compile(rb"</" + re.escape(name) + rb"[ \t\r\n]*>") if name else None
        self._closing = b"</" + name
        self._name = name
        self._root_line = self._inserted = 0
        self.empty_until = 0
        self.count = self.size = 0
        self.is_over = False
        self.problem: DataError | None = None

    def root_end(self, seen: bytes, chunk: bytes) -> int | None:
        """Where in the chunk an end tag named like the root ends, begun there or in ``seen``.

        Of an empty root, ``<Reply/>``, where it ends itself.
        """
        if self.empty_until or self._root_end is None:
            return self.empty_until or None
        both = seen + chunk[:_LONGEST_BREAK]
        if self._closing not in chunk and self._closing not in both:
            return None
        ends = (found.end() - len(seen) for found in self._root_end.finditer(seen + chunk))
        return next((end for end in ends if end > 0), None)

    def feed(self, chunk: bytes) -> Iterator[etree._Element]:
        """The elements that end in the chunk; what is wrong with it stays in ``problem``."""
        problem = _feed(self._parser, chunk if self.size else self._with_doctype(chunk))
        self.size += len(chunk)
        growth = self._growth
        for event, found in self._parser.read_events():
            element = cast(etree._Element, found)
            if event == "start":
                if growth.record is None and local_name(element) in self._tags:
                    growth.record = element
                continue
            self.is_over = self.is_over or element.getparent() is None
            if element is growth.record:
                growth.end_record()
                self.count += 1
                yield element
                free(element)
        if problem:
            self.problem = self._not_well_formed(problem)

    def _with_doctype(self, beginning: bytes) -> bytes:
        """With a document type, without which only XML's own five entities may stand in it."""
        prolog = PROLOG.match(beginning)
        end = prolog.end() if prolog else 0
        if not self._name or b"<!DOCTYPE" in beginning[:end]:
            return beginning
        doctype = b"<!DOCTYPE %s SYSTEM ''>" % self._name
        self._root_line, self._inserted = beginning.count(b"\n", 0, end) + 1, len(doctype)
        return beginning[:end] + doctype + beginning[end:]

    def _not_well_formed(self, error: etree.XMLSyntaxError) -> DataError:
        line, column = error.position
        message = error.msg or ""
        if line == self._root_line:
            counted = f", column {column}"
            message = message.replace(counted, f", column {column - self._inserted}")
        return DataError(f"not well-formed XML: {message}")

    def end(self) -> Iterator[DataError]:
        """What is wrong with the document as a whole, if anything."""
        try:
            root = self._parser.close()
        except etree.XMLSyntaxError as error:
            yield self._not_well_formed(error)
            return
        if not self.count and local_name(root) not in self._roots:
            words = _words(root)
            said = f", which says: {words}" if words else ""
            found = f"got the root element <{local_name(root)}>{said}"
            yield DataError(f"expected <{min(self._roots)}>, {found}")


def _words(element: etree._Element) -> str:
    """What an element says in its ``error`` attributes and its text."""
    errors = [item.get("error", "") for item in element.iter(etree.Element)]
    said = " ".join(filter(None, [*errors, *map(str, element.itertext())]))
    return one_line(said)[:_LONGEST_WORDS]


def words_of(element: etree._Element) -> str:
    """What an answer's error element says, with the record that was asked for."""
    named = [element.get(name, "") for name in ("id", "Id", "code")]
    return one_line(" ".join(filter(None, [*named, _words(element)])))


def original_of(element: etree._Element) -> bytes:
    """The element as bytes of XML."""
    return etree.tostring(element, encoding="utf-8", with_tail=False)


def local_name(element: etree._Element) -> str:
    """An element's tag without its namespace."""
    return element.tag.rpartition("}")[2]


def without_namespaces(element: etree._Element) -> etree._Element:
    """The element, its tags and those inside it renamed to what they are without namespace."""
    if "}" in element.tag:
        for item in element.iter(etree.Element):
            item.tag = local_name(item)
    return element


MATH_TAGS = frozenset(
    ["math", "maction", "maligngroup", "malignmark", "menclose", "merror", "mfenced", "mfrac", "mi",
     "mlabeledtr", "mmultiscripts", "mn", "mo", "mover", "mpadded", "mphantom", "mprescripts",
     "mroot", "mrow", "ms", "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtext",
     "munder", "munderover", "none", "semantics"]
)  # fmt: skip
INLINE_TAGS = MATH_TAGS | frozenset(
    ["a", "abbrev", "b", "bold", "chem-struct", "em", "email", "ext-link", "fixed-case", "i",
     "inline-formula", "inline-supplementary-material", "italic", "milestone-end",
     "milestone-start", "monospace", "named-content", "overline", "overline-end", "overline-start",
     "price", "private-char", "rb", "roman", "ruby", "sans-serif", "sc", "strike", "strong",
     "styled-content", "sub", "sup", "tt", "u", "underline", "underline-end", "underline-start",
     "uri", "x", "xref"]
)  # fmt: skip
"""Elements inside a word or beside it without a gap; all others separate words."""

UNREAD_MATH = frozenset(["annotation", "annotation-xml", "tex-math"])
HEADING_TAGS = frozenset(["b", "bold", "strong"])
_HEADING_END = re.compile(r"[^\W\d_]{3}[:.]?\Z")
_HEADING_START = re.compile(r"[A-Z][a-z]|[A-Z]{3}")
_EMPHASIS_TAGS = HEADING_TAGS | frozenset(["em", "i", "italic", "sc", "u", "underline"])
_GLUED_HEADING_END = re.compile(r"[^\W\d_]{3}[:.]\Z")
_SENTENCE_END = re.compile(r"[^\W\d_]{2}[)\]]?[.;]\Z")


def characters(element: etree._Element) -> str:
    """An element's text with that of its markup, white space runs as single spaces."""
    if len(element):
        return one_line("".join(_pieces(element)))
    return one_line(element.text or "")


def one_line(text: str) -> str:
    """The text with white space runs as single spaces, none at its ends."""
    if "\n" in text or "  " in text or "\t" in text or "\r" in text:
        text = _XML_SPACE.sub(" ", text)
    return text.strip(" ")


def entity_text(entity: etree._Entity) -> str:
    """The character of an HTML entity; the reference itself where it is another, never resolved."""
    return html.unescape(entity.text or "")


def is_next_heading(element: etree._Element) -> bool:
    """Whether bold words follow other bold words with nothing between: two headings, two lines."""
    previous = element.getprevious()
    return (
        previous is not None
        and local_name(element) in HEADING_TAGS
        and not previous.tail
        and not isinstance(previous, etree._Entity)
        and local_name(previous) == local_name(element)
        and _HEADING_START.match(element.text or "") is not None
        and _HEADING_END.search(previous.text or "") is not None
    )


def is_heading_before(element: etree._Element, tail: str) -> bool:
    """Whether words in bold or italics are a heading that is glued to the words behind it."""
    return (
        tail[:1].isupper()
        and local_name(element) in _EMPHASIS_TAGS
        and _GLUED_HEADING_END.search("".join(map(str, element.itertext()))) is not None
    )


def is_heading_behind(element: etree._Element, before: str) -> bool:
    """Whether words in bold begin behind the full stop of a sentence, without a space."""
    return (
        local_name(element) in HEADING_TAGS
        and _SENTENCE_END.search(before) is not None
        and _HEADING_START.match(element.text or "") is not None
    )


def child_of(element: etree._Element | None, *tags: str) -> etree._Element | None:
    """The first child of the first tag inside, of that the first of the next tag, and so on."""
    for tag in tags:
        if element is None:
            return None
        element = next(element.iterchildren(tag), None)
    return element


def _parser(tags: tuple[str, ...]) -> etree.XMLPullParser:
    return etree.XMLPullParser(
        events=("start", "end"),
        tag=tags,
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


def free(element: etree._Element) -> None:
    """Drop the element's content and all that lies before it, around it too."""
    element.clear()
    inner: etree._Element | None = element
    while inner is not None:
        parent = inner.getparent()
        while parent is not None and inner.getprevious() is not None:
            del parent[0]
        inner = parent


def _pieces(element: etree._Element) -> Iterator[str]:
    before = element.text or ""
    yield before
    for number, child in enumerate(element):
        tail = child.tail or ""
        if isinstance(child, etree._Entity):
            yield entity_text(child)
        elif (name := local_name(child)) in INLINE_TAGS:
            if name in _EMPHASIS_TAGS:
                if is_next_heading(child) or is_heading_behind(child, before):
                    yield " "
                if is_heading_before(child, tail):
                    tail = f" {tail}"
            elif number and local_name(element) == "mfrac":
                yield "/"
            yield from _pieces(child)
        elif name not in UNREAD_MATH:
            yield " "
            yield from _pieces(child)
            yield " "
        yield tail
        before = tail
