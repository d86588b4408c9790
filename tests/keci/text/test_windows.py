import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.errors import ConfigError, UsageError
from keci.text.sentences import split_sentences
from keci.text.windows import (
    OVERLAP_SHARE,
    EncoderRow,
    TextUnit,
    WindowBudget,
    encoder_rows,
    text_units,
)

PIECES = st.sampled_from(
    ["Aspirin", "helps", " ", " ", ". ", "\n\n", "methylenedioxymethamphetamine", "x", "\U0001f9ec",
     "(", "3.5"]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=60).map("".join)
BUDGETS = st.tuples(st.integers(1, 40), st.integers(0, 39)).filter(lambda b: b[1] < b[0])


def count_pieces(text: str) -> int:
    """A piece for every four characters of a word."""
    return sum(-(-len(word) // 4) for word in text.split())


def erratic_count(text: str) -> int:
    """As above, but a word of over ten characters is one unknown piece."""
    return sum(1 if len(word) > 10 else len(word) for word in text.split())


def budget(pieces: int, overlap: int = 0) -> WindowBudget:
    return WindowBudget(pieces, overlap, count_pieces)


def covered(units: tuple[TextUnit, ...]) -> set[int]:
    return {offset for unit in units for offset in range(unit.start, unit.start + len(unit.text))}


@pytest.mark.parametrize("counter", [count_pieces, erratic_count])
@pytest.mark.parametrize("unit", ["sentence", "document"])
@given(text=TEXTS, limits=BUDGETS)
def test_units_cover_the_text_within_the_budget(counter, unit, text, limits) -> None:
    units = text_units(text, unit=unit, budget=WindowBudget(*limits, counter))
    for piece in units:
        assert text[piece.start : piece.start + len(piece.text)] == piece.text
        assert piece.text == piece.text.strip() != ""
        assert counter(piece.text) <= limits[0]
    assert not "".join(c for i, c in enumerate(text) if i not in covered(units)).strip()
    assert [u.start for u in units] == sorted({u.start for u in units})


@given(text=TEXTS, limits=BUDGETS)
def test_windows_do_not_repeat_more_than_the_overlap(text: str, limits: tuple[int, int]) -> None:
    units = text_units(text, unit="document", budget=budget(*limits))
    for before, after in itertools.pairwise(units):
        shared = text[after.start : before.start + len(before.text)]
        assert count_pieces(shared) <= limits[1]
        assert after.start + len(after.text) > before.start + len(before.text)


@given(TEXTS)
def test_sentences_that_fit_are_units(text: str) -> None:
    units = text_units(text, unit="sentence", budget=budget(10_000))
    assert units == tuple(TextUnit(s, text[s:e]) for s, e in split_sentences(text))


@given(TEXTS)
def test_a_document_that_fits_is_one_unit(text: str) -> None:
    units = text_units(text, unit="document", budget=budget(10_000))
    assert [unit.text for unit in units] == [text.strip()][: bool(text.strip())]


def test_windows_are_made_of_whole_sentences_and_share_some() -> None:
    sentences = [f"Sentence {n} is made of words." for n in range(10)]
    text = " ".join(sentences)
    each = count_pieces(sentences[0])
    units = text_units(text, unit="document", budget=budget(4 * each, each))
    assert [unit.text for unit in units] == [
        " ".join(sentences[first : first + 4]) for first in (0, 3, 6)
    ]


def test_a_long_sentence_is_cut_between_words() -> None:
    text = "It began. The " + " ".join(["alpha"] * 300) + " ended. It ended."
    units = text_units(text, unit="sentence", budget=budget(100, 20))
    assert (units[0].text, units[-1].text) == ("It began.", "It ended.")
    assert len(units) > 5
    for unit in units[1:-1]:
        assert set(unit.text.split()) <= {"The", "alpha", "ended."}


def test_a_mention_up_to_half_the_overlap_lies_whole_in_a_window() -> None:
    words = [f"w{n:03}" for n in range(400)]
    text = " ".join(words)
    units = text_units(text, unit="sentence", budget=budget(100, 40))
    for first in range(len(words) - 20):
        assert any(" ".join(words[first : first + 20]) in unit.text for unit in units)


def test_a_word_beyond_the_budget_is_cut_inside() -> None:
    text = "x" * 1_000_000
    units = text_units(text, unit="document", budget=budget(510, 128))
    assert covered(units) == set(range(len(text)))


@pytest.mark.parametrize("text", ["", " \n\n "])
@pytest.mark.parametrize("unit", ["sentence", "document"])
def test_an_empty_text_has_no_units(unit: str, text: str) -> None:
    assert text_units(text, unit=unit, budget=budget(5)) == ()


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(UsageError, match="unknown unit 'page'; known are sentence, document"):
        text_units("", unit="page", budget=budget(5))
    for pieces, overlap in ((0, 0), (5, 5), (5, -1)):
        with pytest.raises(ConfigError, match="expected 0 <= overlap < pieces"):
            budget(pieces, overlap)


def test_a_text_that_fits_is_one_row() -> None:
    assert list(encoder_rows(8, 8)) == [EncoderRow(0, 8, 0, 8)]
    assert list(encoder_rows(0, 8)) == [EncoderRow(0, 0, 0, 0)]


def test_a_longer_text_is_read_in_overlapping_rows() -> None:
    assert list(encoder_rows(9, 8)) == [EncoderRow(0, 8, 0, 4), EncoderRow(1, 9, 4, 9)]
    assert list(encoder_rows(20, 8)) == [
        EncoderRow(0, 8, 0, 7), EncoderRow(6, 14, 7, 13), EncoderRow(12, 20, 13, 20),
    ]  # fmt: skip


@given(count=st.integers(0, 3000), limit=st.integers(1, 600))
def test_each_token_is_kept_once_with_context(count: int, limit: int) -> None:
    rows = list(encoder_rows(count, limit))
    kept = [token for row in rows for token in range(row.own_start, row.own_end)]
    assert kept == list(range(count))
    for row in rows:
        assert 0 <= row.start <= row.own_start <= row.own_end <= row.end <= count
        assert row.end - row.start <= limit
    for one, other in itertools.pairwise(rows):
        assert one.end - other.start >= limit // OVERLAP_SHARE
