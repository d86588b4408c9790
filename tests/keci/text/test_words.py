import re
import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from keci.text.words import find_words


def words_of(text: str) -> list[str]:
    starts, ends = find_words(text)
    return [text[start:end] for start, end in zip(starts, ends, strict=True)]


def test_letters_digits_and_single_signs_are_words() -> None:
    assert words_of("IL-2  binds  α5β1.") == ["IL", "-", "2", "binds", "α5β1", "."]


def test_a_combining_mark_stays_with_its_letter() -> None:
    assert words_of("nai\u0308ve T cells") == ["nai\u0308ve", "T", "cells"]


def test_a_text_without_words_has_none() -> None:
    assert words_of(" \n\t") == []


def test_every_mark_of_unicode_joins_words() -> None:
    marks = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c)[0] == "M"]
    assert words_of("a" + "".join(marks)) == ["a" + "".join(marks)]


@given(st.text())
def test_words_cover_all_but_white_space(text: str) -> None:
    starts, ends = find_words(text)
    assert "".join(words_of(text)) == re.sub(r"\s", "", text)
    assert all(start < end for start, end in zip(starts, ends, strict=True))
    assert all(start >= end for start, end in zip(starts[1:], ends, strict=False))
