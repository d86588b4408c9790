"""Passages of BioC documents laid out as one text, and offsets into it from other units.

BioC counts characters, but files exist whose offsets count bytes of UTF-8 or units of UTF-16. The
unit is the first that the passages fit and, where there are several, under which most annotations
stand where they say. Where passages fit no unit (they overlap, touch or leave wide gaps), they are
joined by blank lines, and offsets count from the beginning of their passage.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

WIDEST_GAP = 4
"""The most characters between two passages that line breaks stand for; one is usual."""

UNREAD_SECTIONS = frozenset(["REF", "ACK_FUND", "AUTH_CONT", "COMP_INT"])
"""What JATS leaves out, too: references, acknowledgements, funding, conflicts, contributions."""

UNREAD_TYPES = frozenset(["ref", "reference", "references"])
TABLE_TYPE = "table"
CHARACTERS, UTF16, BYTES = UNITS = ("characters", "units of UTF-16", "bytes")
Surface = tuple[int, int, str]
"""Offset, length and text of an annotation."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text at its offset, None where there is none; ``is_read`` is False for apparatus."""

    offset: int | None
    text: str
    is_read: bool = True


@dataclass(frozen=True, slots=True)
class PassageLayout:
    """The text of passages; ``starts`` are their offsets in it, ``fits`` says that offsets do."""

    text: str
    passages: tuple[Passage, ...]
    starts: tuple[int, ...]
    unit: str
    fits: bool

    def span(self, offset: int, length: int) -> tuple[int, int]:
        """The characters of the text that an offset and length of the document mean."""
        return self._character(offset), self._character(offset + length, is_end=True)

    def _character(self, offset: int, *, is_end: bool = False) -> int:
        given = [item.offset for item in self.passages if item.offset is not None]
        is_plain = self.fits and self.unit == CHARACTERS
        if is_plain or len(given) < len(self.passages) or given != sorted(given):
            return offset
        number = max(bisect_right(given, offset - is_end) - 1, 0)
        within = offset - given[number]
        if within < 0:
            return offset
        text = self.passages[number].text
        return self.starts[number] + _MEASURES[self.unit].characters(text, within)


@dataclass(frozen=True, slots=True)
class _Measure:
    """How a unit counts a text, and how many characters so many units are."""

    size: Callable[[str], int]
    characters: Callable[[str, int], int]


def _encoded(encoding: str, width: int) -> _Measure:
    def characters(text: str, units: int) -> int:
        encoded = text.encode(encoding, "surrogatepass")
        beyond = max(units - len(encoded) // width, 0)
        return len(encoded[: units * width].decode(encoding, "ignore")) + beyond

    return _Measure(lambda text: len(text.encode(encoding, "surrogatepass")) // width, characters)


_MEASURES = {
    CHARACTERS: _Measure(len, lambda _, units: units),
    UTF16: _encoded("utf-16-le", 2),
    BYTES: _encoded("utf-8", 1),
}


def lay_out(passages: Iterable[Passage], surfaces: Sequence[Surface] = ()) -> PassageLayout:
    """The passages as one text, in the unit that suits their offsets and the annotations."""
    given = tuple(passages)
    is_plain = all(item.text.isascii() for item in given)
    layouts = [_fitted(given, unit) for unit in (UNITS[:1] if is_plain else UNITS)]
    found = [layout for layout in layouts if layout] or [
        _joined(given, unit) for unit in (UNITS[:1] if is_plain else UNITS)
    ]
    if len(found) == 1 or not surfaces:
        return found[0]
    return max(found, key=lambda layout: _agreement(layout, surfaces))


def _agreement(layout: PassageLayout, surfaces: Iterable[Surface]) -> int:
    spans = ((layout.span(offset, length), text) for offset, length, text in surfaces)
    return sum(layout.text[start:end] == text for (start, end), text in spans)


def _fitted(passages: tuple[Passage, ...], unit: str) -> PassageLayout | None:
    """The passages at their offsets, if they fit; what is not read leaves line breaks."""
    size = _MEASURES[unit].size
    parts: list[str] = []
    starts = []
    length = characters = 0
    for item in passages:
        gap = -1 if item.offset is None else item.offset - length
        if not 0 <= gap <= WIDEST_GAP or (not gap and _is_glued(parts, item.text)):
            return None
        starts.append(characters + gap)
        parts += ("\n" * gap, item.text if item.is_read else "\n" * len(item.text))
        length += gap + size(item.text)
        characters += gap + len(item.text)
    text = "".join(parts)
    text = text if all(item.is_read for item in passages) else text.rstrip("\n")
    return PassageLayout(text, passages, tuple(starts), unit, fits=True)


def _is_glued(parts: Sequence[str], text: str) -> bool:
    """Whether a text would go on in the word or sentence that the parts before it end with."""
    before = next(filter(None, reversed(parts)), "")
    return not (before[-1:] or " ").isspace() and not (text[:1] or " ").isspace()


def _joined(passages: tuple[Passage, ...], unit: str) -> PassageLayout:
    starts: list[int] = []
    parts: list[str] = []
    length = 0
    for item in passages:
        text = item.text if item.is_read else ""
        length += 2 * bool(parts and text)
        starts.append(length)
        length += len(text)
        parts += [text] if text else []
    return PassageLayout("\n\n".join(parts), passages, tuple(starts), unit, fits=False)


def xml_passages(document: etree._Element, *, has_tables: bool = True) -> Iterator[Passage]:
    """The passages of a document, or their sentences where a passage has no text of its own."""
    for passage in document.findall("passage"):
        infons = {item.get("key"): item.text or "" for item in passage.findall("infon")}
        is_read = _is_read(infons, has_tables=has_tables)
        sentences = [] if passage.findtext("text") else passage.findall("sentence")
        for part in sentences or [passage]:
            offset = (part.findtext("offset") or "").strip()
            number = int(offset) if offset.isdecimal() and len(offset) < _LONGEST_OFFSET else None
            yield Passage(number, part.findtext("text") or "", is_read)


_LONGEST_OFFSET = 18


def json_passages(passages: list[dict[str, Any]], *, has_tables: bool = True) -> Iterator[Passage]:
    """The passages of a parsed document; raises TypeError where a text is none."""
    for passage in passages:
        is_read = _is_read(passage.get("infons") or {}, has_tables=has_tables)
        parts = [passage] if passage.get("text") else passage.get("sentences") or [passage]
        for part in parts:
            offset, text = part.get("offset"), part.get("text") or ""
            if not isinstance(text, str):
                raise TypeError(f"expected a text, got {type(text).__name__}")
            yield Passage(offset if isinstance(offset, int) else None, text, is_read)


def _is_read(infons: Any, *, has_tables: bool) -> bool:
    if not isinstance(infons, dict):
        return True
    kind = str(infons.get("type", "")).lower()
    return (
        str(infons.get("section_type", "")).upper() not in UNREAD_SECTIONS
        and kind not in UNREAD_TYPES
        and (has_tables or kind != TABLE_TYPE)
    )
