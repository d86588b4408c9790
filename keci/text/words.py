"""Words: the units at which mentions and candidate spans may begin and end."""

import re
import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt

_ASCII_WORD = re.compile(r"\w+|[^\w\s]")


def find_words(text: str) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """The starts and the ends (words,) of the words of ``text``, as half-open character offsets.

    A word is a longest run of letters, digits, underscores and combining marks, or one other
    character that is no white space.
    """
    spans = [match.span() for match in word_pattern(text).finditer(text)]
    offsets = np.array(spans, dtype=np.int32).reshape(-1, 2)
    return np.ascontiguousarray(offsets[:, 0]), np.ascontiguousarray(offsets[:, 1])


def word_pattern(text: str) -> re.Pattern[str]:
    """The pattern of one word of ``text``: a fast one for ASCII, which has no combining marks."""
    return _ASCII_WORD if text.isascii() else _word()


@cache
def _word() -> re.Pattern[str]:
    return re.compile(rf"[\w{_combining_marks()}]+|[^\w\s]")


def _combining_marks() -> str:
    """The marks of Unicode, which no letter class holds, as ranges of a character class."""
    codes = (*range(0x300, 0x20000), *range(0xE0100, 0xE01F0))
    categories = map(unicodedata.category, map(chr, codes))
    ranges: list[list[int]] = []
    for code in [code for code, name in zip(codes, categories, strict=True) if name[0] == "M"]:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
