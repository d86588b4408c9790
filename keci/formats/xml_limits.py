"""What XML may cost: names, elements and bytes while it is parsed, and a record's depth after it.

The parser keeps every name for as long as the process lives, so names of elements and attributes
are counted in the bytes, before they are parsed. A start tag that a chunk cuts is looked at with
the next chunk.
"""

import re
from functools import lru_cache
from typing import cast

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
_OPEN_VALUE = re.compile(rb"""=\s*+(?:"[^"<]*+|'[^'<]*+)(?:<|\Z)""")
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
        content = self._whole_tags(chunk)
        tags = _START.findall(content)
        different = set(tags)
        unlike = b"".join(different - self._last_tags)
        self._last_tags = different
        if _OPEN_VALUE.search(unlike):
            unlike = b"".join(set(_START_WITH_VALUES.findall(content)))
        self._keep(set(_NAME.findall(unlike)) - self._known)
        return len(tags)

    def _whole_tags(self, chunk: bytes) -> bytes:
        """What has come without the tag at its end that goes on in the next chunk."""
        if self._cut:
            self._cut += chunk
            if len(self._cut) > LONGEST_TAG + len(chunk):
                raise DataError(f"a tag is longer than the limit of {LONGEST_TAG:,} bytes")
            if b"<" not in chunk and b">" not in chunk:
                return b""
            chunk = bytes(self._cut)
        last = chunk.rfind(b"<")
        is_cut = last >= 0 and not _WHOLE.match(chunk, last)
        self._cut = bytearray(chunk[last:] if is_cut else b"")
        return chunk[:last] if is_cut else chunk

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


_COUNT_BELOW = etree.XPath("count(descendant::*)")
_FEW = 2000
"""Below so many elements the levels of a record are followed at once, which is quadratic."""

_SHALLOW = 16
"""Levels that real records hardly ever have."""


def _is_deeper(element: etree._Element, limit: int) -> bool:
    """Whether more than ``limit`` elements lie inside each other; few elements are soon told."""
    if not _has_more(limit)(element):
        return False
    if cast(float, _COUNT_BELOW(element)) <= _FEW:
        levels = (min(_SHALLOW, limit), limit)
        return all(_has_level(depth)(element) for depth in levels)
    return bool(_has_deep_leaf(limit + sum(1 for _ in element.iterancestors()))(element))


@lru_cache(maxsize=_KEPT_CHECKS)
def _has_more(count: int) -> etree.XPath:
    """Whether an element has more than so many others inside; the search ends behind these."""
    return etree.XPath(f"boolean(descendant::*[{count + 1}])")


@lru_cache(maxsize=_KEPT_CHECKS)
def _has_level(depth: int) -> etree.XPath:
    """Whether an element has others so many levels below it."""
    return etree.XPath(f"boolean({'/'.join(['*'] * depth)})")


@lru_cache(maxsize=_KEPT_CHECKS)
def _has_deep_leaf(depth: int) -> etree.XPath:
    """Whether an element without elements inside lies below ``depth`` others."""
    return etree.XPath(f"boolean(descendant::*[not(*)][ancestor::*[{depth}]])")
