"""XML records one by one from a stream, with nothing fetched, nothing resolved, and flat memory."""

import html
import re
from collections.abc import Iterator
from typing import cast

from lxml import etree

from keci.errors import DataError
from keci.formats.stream import ContentStream, ReadOptions
from keci.printable import printable

_XML_SPACE = re.compile("[ \t\r\n]+")


def stream_elements(
    stream: ContentStream, *, tags: tuple[str, ...], roots: frozenset[str], options: ReadOptions
) -> Iterator[etree._Element]:
    """The outermost elements of the tags as their end tags come; each is freed afterwards.

    Of one with too many elements in it only the outermost is left, which ``check_record`` refuses.
    Raises DataError where the XML is damaged, after the elements before the damage; where more than
    the limit of bytes or elements go by without one; where there are too many names; and where
    there is none in a root that is not in ``roots``.
    """
    parser = _parser(tags)
    growth = _Growth(options)
    count = 0
    try:
        while chunk := stream.read():
            growth.add(chunk)
            problem = _feed(parser, chunk)
            for event, element in _outermost(parser, tags):
                growth.record = element
                if event == "start":
                    continue
                growth.end_record()
                count += 1
                yield element
                _free(element)
            if problem:
                raise problem
            growth.check()
        root = parser.close()
    except etree.XMLSyntaxError as error:
        raise DataError(f"not well-formed XML: {error.msg}") from error
    if not count and local_name(root) not in roots:
        raise DataError(f"expected <{min(roots)}>, got the root element <{local_name(root)}>")


_TAG = re.compile(rb"<[^\s/>!?]+")
_TOO_LARGE = "keci-too-large"
"""The attribute of an element whose content was thrown away as it was too much."""


class _Growth:
    """What has come since the last record, and what stays in memory; a chunk is the grain.

    ``record`` is the outermost element of the tags that was begun last.
    """

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._bytes = self._elements = 0
        self._names: set[bytes] = set()
        self._is_too_large = False
        self.record: etree._Element | None = None

    def add(self, chunk: bytes) -> None:
        """Raises DataError where the names are too many."""
        self._bytes += len(chunk)
        self._elements += chunk.count(b"<")
        self._names.update(_TAG.findall(chunk))
        if len(self._names) > self._options.max_xml_names:
            limit = self._options.max_xml_names
            raise DataError(f"the XML has more names of elements than the limit of {limit:,}")

    def end_record(self) -> None:
        """Begin to count anew, and mark the record where it was too large."""
        record = self.record
        if self._is_too_large and record is not None:
            record.clear()
            record.set(_TOO_LARGE, f"{self._options.max_xml_elements:,}")
        self._bytes = self._elements = 0
        self._is_too_large = False
        self.record = None

    def check(self) -> None:
        """Throw away what a record has too much; raises DataError where there is no record."""
        if self._bytes > self._options.max_record_bytes:
            limit = self._options.max_record_bytes
            raise DataError(f"no record ends within the limit of {limit:,} bytes")
        if self._elements <= self._options.max_xml_elements:
            return
        if self.record is None:
            limit = self._options.max_xml_elements
            raise DataError(f"no record begins within the limit of {limit:,} elements")
        self._is_too_large = True
        _prune(self.record)


def _prune(element: etree._Element) -> None:
    """Drop what is whole inside an element that is still being read; what may be open stays."""
    inner: etree._Element | None = element
    while inner is not None and len(inner):
        del inner[:-1]
        inner = inner[0]


def check_record(element: etree._Element, limit: int) -> None:
    """Raises DataError where a record had too many elements, or more than ``limit`` inside others.

    The record is the first of these.
    """
    too_many = element.get(_TOO_LARGE)
    if too_many is not None:
        raise DataError(f"the record has more elements than the limit of {printable(too_many)}")
    level = [element]
    for _ in range(limit):
        level = [child for parent in level for child in parent.iterchildren(etree.Element)]
        if not level:
            return
    raise DataError(f"the XML is nested deeper than the limit of {limit}")


def original_of(element: etree._Element) -> bytes:
    """The element as bytes of XML."""
    return etree.tostring(element, encoding="utf-8", with_tail=False)


def local_name(element: etree._Element) -> str:
    """An element's tag without its namespace."""
    return etree.QName(element).localname


def characters(element: etree._Element) -> str:
    """An element's text with that of its markup, white space runs as single spaces."""
    return one_line("".join(_pieces(element)))


def one_line(text: str) -> str:
    return _XML_SPACE.sub(" ", text).strip(" ")


def entity_text(entity: etree._Entity) -> str:
    """The character of an HTML entity; the reference itself where it is another, never resolved."""
    return html.unescape(entity.text or "")


def first_element(element: etree._Element, paths: tuple[str, ...]) -> etree._Element | None:
    """The first element that the first successful path finds."""
    found = (element.find(path) for path in paths)
    return next((child for child in found if child is not None), None)


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


def _outermost(
    parser: etree.XMLPullParser, tags: tuple[str, ...]
) -> Iterator[tuple[str, etree._Element]]:
    for event, found in parser.read_events():
        element = cast(etree._Element, found)
        if next(element.iterancestors(*tags), None) is None:
            yield cast(str, event), element


def _free(element: etree._Element) -> None:
    """Drop the element's content and all that lies before it, around it too."""
    element.clear()
    inner: etree._Element | None = element
    while inner is not None:
        parent = inner.getparent()
        while parent is not None and inner.getprevious() is not None:
            del parent[0]
        inner = parent


def _pieces(element: etree._Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if isinstance(child, etree._Entity):
            yield entity_text(child)
        else:
            yield from _pieces(child)
        yield child.tail or ""
