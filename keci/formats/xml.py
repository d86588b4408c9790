"""XML records one by one from a stream, with nothing fetched, nothing resolved, and flat memory."""

import html
import re
from collections.abc import Iterator
from functools import cache
from typing import cast

from lxml import etree

from keci.errors import DataError
from keci.formats.stream import ContentStream

_XML_SPACE = re.compile("[ \t\r\n]+")


def stream_elements(
    stream: ContentStream, *, tags: tuple[str, ...], roots: frozenset[str], limit: int
) -> Iterator[etree._Element]:
    """The outermost elements of the tags as their end tags come; each is freed afterwards.

    Raises DataError where the XML is damaged, after the elements before the damage; where more than
    ``limit`` bytes go by without one; and where there is none in a root that is not in ``roots``.
    """
    parser = _parser(tags)
    pending = 0
    count = 0
    try:
        while chunk := stream.read():
            pending += len(chunk)
            problem = _feed(parser, chunk)
            for element in _outermost(parser, tags):
                pending = 0
                count += 1
                yield element
                _free(element)
            if problem:
                raise problem
            if pending > limit:
                raise DataError(f"no record ends within the limit of {limit:,} bytes")
        root = parser.close()
    except etree.XMLSyntaxError as error:
        raise DataError(f"not well-formed XML: {error.msg}") from error
    if not count and local_name(root) not in roots:
        raise DataError(f"expected <{min(roots)}>, got the root element <{local_name(root)}>")


def check_depth(element: etree._Element, limit: int) -> None:
    """Raises DataError where more than ``limit`` elements lie inside each other, this the first."""
    if _has_level(limit)(element):
        raise DataError(f"the XML is nested deeper than the limit of {limit}")


def original_of(element: etree._Element) -> bytes:
    """The element as bytes of XML."""
    return etree.tostring(element, encoding="utf-8", with_tail=False)


@cache
def _has_level(depth: int) -> etree.XPath:
    """Whether an element has descendants so many levels below it."""
    return etree.XPath(f"boolean({'/'.join(['*'] * depth)})")


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
        events=("end",),
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


def _outermost(parser: etree.XMLPullParser, tags: tuple[str, ...]) -> Iterator[etree._Element]:
    for _, found in parser.read_events():
        element = cast(etree._Element, found)
        if next(element.iterancestors(*tags), None) is None:
            yield element


def _free(element: etree._Element) -> None:
    """Drop the element's content and all that lies before it in its parent."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _pieces(element: etree._Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if isinstance(child, etree._Entity):
            yield entity_text(child)
        else:
            yield from _pieces(child)
        yield child.tail or ""
