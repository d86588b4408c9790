"""Short forms that a text explains: "ubiquitin-interacting motif (UIM)", or the other way round.

After A. Schwartz and M. Hearst, "A simple algorithm for identifying abbreviation definitions in
biomedical text", PSB 2003: the characters of the short form are looked for from right to left in
the words before the parenthesis, the first one at the beginning of a word. "SBMA (spinal and bulbar
muscular atrophy)" explains as much where all words of the parenthesis are the long form.
"""

import re
from typing import NamedTuple

_PARENTHESIS = re.compile(r"\(\s*([^()\s][^()]{0,12}?)\s*[,;)]")
_MAX_SHORT = 10
_EXPLANATION = re.compile(r"\(\s*([^()\s][^()]{4,100}?)\s*[,;)]")
_SHORT_BEFORE = re.compile(r"[\w/+-]+\Z")
_MIN_CAPITALS = 2


class Abbreviation(NamedTuple):
    """Half-open character offsets of a long form and of the short form that it explains."""

    long_start: int
    long_end: int
    short_start: int
    short_end: int


def find_abbreviations(text: str) -> list[Abbreviation]:
    """The long forms with their short forms, one of them in parentheses, in order of the text."""
    found = _turned_abbreviations(text)
    for match in _PARENTHESIS.finditer(text):
        short = match[1]
        if not _may_be_short(short):
            continue
        end = _end_of_word(text, match.start())
        start = _long_form_start(text, end, short)
        if start is not None:
            found.append(Abbreviation(start, end, match.start(1), match.end(1)))
    return sorted(found, key=lambda abbreviation: max(abbreviation))


def _turned_abbreviations(text: str) -> list[Abbreviation]:
    """The short forms in capitals with the long forms in parentheses behind them."""
    found = []
    for match in _EXPLANATION.finditer(text):
        end = _end_of_word(text, match.start())
        near = _SHORT_BEFORE.search(text[max(end - _MAX_SHORT - 1, 0) : end])
        short = near[0] if near else ""
        capitals = sum(sign.isupper() for sign in short)
        if capitals < _MIN_CAPITALS or not _may_be_short(short) or " " not in match[1]:
            continue
        if _long_form_start(text, match.end(1), short) == match.start(1):
            found.append(Abbreviation(match.start(1), match.end(1), end - len(short), end))
    return found


def explains_rest(text: str, start: int, end: int, short: str) -> bool:
    """Whether the words from ``start`` to ``end`` are the long form of an ending of ``short``.

    So "induced pluripotent stem cell" is of "hiPSC", whose h stands for a word before.
    """
    endings = (short[length:] for length in range(1, len(short) - 1))
    return any(_long_form_start(text, end, ending) == start for ending in endings)


def _end_of_word(text: str, before: int) -> int:
    """Where the white space begins that ends at ``before``."""
    while before > 0 and text[before - 1].isspace():
        before -= 1
    return before


def _may_be_short(short: str) -> bool:
    return (
        2 <= len(short) <= _MAX_SHORT
        and len(short.split()) <= 2
        and short[0].isalnum()
        and any(sign.isalpha() for sign in short)
        and not short.islower()
    )


def _long_form_start(text: str, end: int, short: str) -> int | None:
    """Where the long form that ends at ``end`` begins, None where the letters do not fit."""
    signs = [sign.lower() for sign in short if sign.isalnum()]
    earliest = _earliest_start(text, end, min(len(signs) + 5, 2 * len(signs)))
    offset = end
    for rank in range(len(signs) - 1, -1, -1):
        offset -= 1
        while offset >= earliest and not _fits(text, offset, signs[rank], first=rank == 0):
            offset -= 1
        if offset < earliest:
            return None
    long_form = text[offset:end]
    if len(long_form) <= len(short) or short in long_form.split():
        return None
    return offset


def _fits(text: str, offset: int, sign: str, *, first: bool) -> bool:
    if text[offset].lower() != sign:
        return False
    return not first or offset == 0 or not text[offset - 1].isalnum()


def _earliest_start(text: str, end: int, word_count: int) -> int:
    """Where the last ``word_count`` words before ``end`` begin, within the sentence."""
    start = end
    for _ in range(word_count):
        while start > 0 and text[start - 1].isspace():
            start -= 1
        while start > 0 and not text[start - 1].isspace() and text[start - 1] not in "();":
            start -= 1
        if start == 0 or text[start - 1] in "();":
            break
    return start
