"""What XML may cost: names, elements and bytes while it is parsed, and a record's depth after it.

The parser keeps every name for as long as the process lives, so names of elements and attributes
are counted in the bytes, before they are parsed. A start tag that a chunk cuts is looked at with
the next chunk.
"""

import re
from functools import lru_cache

from lxml import etree

from keci.errors import DataError
from keci.formats.stream import ReadOptions
from keci.printable import printable

LONGEST_TAG = 10 << 20
"""Bytes of a start tag with its attributes."""

BYTES_A_NAME = 64
"""All names together have at most so many bytes for each name that the limit allows."""

_START = re.compile(rb"<[^/!?>][^>]*+")
_START_WITH_VALUES = re.compile(
    rb"""<[^/!?>"'][^>"']*+(?:"[^"<]*+"[^>"']*+|'[^'<]*+'[^>"']*+)*+[^>]*+"""
)
_WHOLE = re.compile(rb"""<(?:[!?]|[^>"']*+(?:"[^"<]*+"[^>"']*+|'[^'<]*+'[^>"']*+)*+>)""")
_VALUE = re.compile(rb"""=\s*+(?:"[^"<]*+"|'[^'<]*+')""")
_NAME = re.compile(
    rb"""(xmlns[^\s="'<>]*+\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+')|[^\s="'<>/]++)"""
    rb"""(?:\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+'))?"""
)
_TOO_LARGE = "keci-too-large"
"""The attribute of an element whose content was thrown away as it was too much."""

_KEPT_CHECKS = 16


class Growth:
    """What has come since the last record, and what stays in memory; a chunk is the grain.

    ``record`` is the outermost element of the tags that was begun last.
    """

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._bytes = self._elements = 0
        self._names = _Names(options.max_xml_names)
        self._is_too_large = False
        self.record: etree._Element | None = None

    def add(self, chunk: bytes) -> None:
        """Raises DataError where the names are too many or a tag is too long."""
        self._bytes += len(chunk)
        self._elements += self._names.add(chunk)

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


class _Names:
    """The names of elements and attributes that a stream has had, with its namespaces."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: set[bytes] = set()
        self._bytes = 0
        self._cut = bytearray()
        self._last_tags: set[bytes] = set()

    def add(self, chunk: bytes) -> int:
        """How many elements begin in the chunk; raises DataError beyond the limits."""
        content, end = self._whole_tags(chunk)
        tags = _START.findall(content, 0, end)
        different = set(tags)
        unlike = b"".join(different - self._last_tags)
        self._last_tags = different
        shapes = _VALUE.sub(b"=", unlike)
        if b'"' in shapes or b"'" in shapes:  # the ">" of a value may have ended a tag too early
            unlike = b"".join(set(_START_WITH_VALUES.findall(content, 0, end)))
        elif b"xmlns" not in shapes:
            unlike = b"<".join(set(shapes.split(b"<")))
        self._keep(set(_NAME.findall(unlike)) - self._known)
        return len(tags)

    def _whole_tags(self, chunk: bytes) -> tuple[bytes, int]:
        """What has come, and where its last tag begins if that goes on in the next chunk."""
        if self._cut:
            if len(self._cut) > LONGEST_TAG:
                raise DataError(f"a tag is longer than the limit of {LONGEST_TAG:,} bytes")
            if b"<" not in chunk and b">" not in chunk:
                self._cut += chunk
                return b"", 0
            chunk = bytes(self._cut) + chunk
        last = chunk.rfind(b"<")
        is_cut = last >= 0 and not _WHOLE.match(chunk, last)
        self._cut = bytearray(chunk[last:] if is_cut else b"")
        return chunk, last if is_cut else len(chunk)

    def _keep(self, names: set[bytes]) -> None:
        self._known |= names
        self._bytes += sum(map(len, names))
        if len(self._known) > self._limit or self._bytes > BYTES_A_NAME * self._limit:
            kinds = "names of elements and attributes"
            raise DataError(f"the XML has more {kinds} than the limit of {self._limit:,}")


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
    if _is_deeper(element, limit):
        raise DataError(f"the XML is nested deeper than the limit of {limit}")


_SHALLOW = 16
"""Levels that real records hardly ever have."""


def _is_deeper(element: etree._Element, limit: int) -> bool:
    """Whether more than ``limit`` elements lie inside each other.

    The levels are followed where there are more elements than that. Raises DataError where a level
    has more than XPath takes (ten million).
    """
    try:
        return bool(_may_be_deeper(limit)(element)) and bool(_has_level(limit)(element))
    except etree.XPathError as error:
        raise DataError("the record has too many elements to tell how deep they lie") from error


@lru_cache(maxsize=_KEPT_CHECKS)
def _may_be_deeper(limit: int) -> etree.XPath:
    """Whether an element has more than ``limit`` others inside, the search ends behind these."""
    levels = min(_SHALLOW, limit)
    return etree.XPath(f"boolean(descendant::*[{limit + 1}]) and {_level(levels)}")


@lru_cache(maxsize=_KEPT_CHECKS)
def _has_level(depth: int) -> etree.XPath:
    """Whether an element has others so many levels below it."""
    return etree.XPath(_level(depth))


def _level(depth: int) -> str:
    return f"boolean({'/'.join(['*'] * depth)})"
