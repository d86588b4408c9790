import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.text.spans import POOLING_BLOCK, candidate_spans, pooling_blocks
from keci.text.tokens import TokenisedText
from tests.strategies import hard_texts
from tests.tiny import tiny_text_tokenizer

TOKENIZER = tiny_text_tokenizer()


def spans_of(text: str, max_pieces: int) -> list[str]:
    (spans,) = candidate_spans(TOKENIZER([text]), max_pieces)
    ends = zip(spans.starts.tolist(), spans.ends.tolist(), strict=True)
    return [text[start:end] for start, end in ends]


def brute_force(tokens: TokenisedText, max_pieces: int) -> list[tuple[int, int, int, int]]:
    """All runs of words that begin and end with a word that has pieces."""
    counts = np.diff(tokens.word_pieces).tolist()
    return [
        (
            int(tokens.word_pieces[first]),
            int(tokens.word_pieces[last + 1]),
            int(tokens.word_starts[first]),
            int(tokens.word_ends[last]),
        )
        for first in range(len(counts))
        for last in range(first, len(counts))
        if counts[first] and counts[last] and sum(counts[first : last + 1]) <= max_pieces
    ]


def assert_equals_brute_force(texts: list[TokenisedText], max_pieces: int) -> None:
    for tokens, spans in zip(texts, candidate_spans(texts, max_pieces), strict=True):
        columns = (spans.token_starts, spans.token_ends, spans.starts, spans.ends)
        found = list(zip(*(column.tolist() for column in columns), strict=True))
        assert found == sorted(brute_force(tokens, max_pieces))
        assert len(spans) == len(found)


def test_spans_are_runs_of_whole_words() -> None:
    found = spans_of("rash  after abc", 5)
    assert found == ["rash", "rash  after", "rash  after abc", "after", "after abc", "abc"]


def test_a_span_has_no_more_pieces_than_allowed() -> None:
    assert spans_of("rash abc", 3) == ["rash", "abc"]


def test_a_word_of_too_many_pieces_is_in_no_span() -> None:
    assert spans_of("rash " + "ab" * 10 + " pain", 4) == ["rash", "pain"]


def test_an_erased_word_lies_inside_spans_but_at_no_end() -> None:
    assert spans_of("rash \x07 pain", 4) == ["rash", "rash \x07 pain", "pain"]
    assert spans_of("\x07", 4) == []


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_a_text_without_words_has_no_spans(text: str) -> None:
    assert spans_of(text, 4) == []


def test_no_texts_have_no_spans() -> None:
    assert candidate_spans([], 4) == []


@given(texts=st.lists(hard_texts(), max_size=4), max_pieces=st.integers(1, 8))
def test_spans_equal_a_brute_force_enumeration(texts: list[str], max_pieces: int) -> None:
    assert_equals_brute_force(TOKENIZER(texts), max_pieces)


def tokens_of(counts: list[int]) -> TokenisedText:
    """A text whose words have so many pieces."""
    places = np.arange(len(counts), dtype=np.int32)
    splits = np.cumsum([0, *counts]).astype(np.int32)
    pieces = np.zeros(splits[-1], dtype=np.int32)
    return TokenisedText(2 * places, 2 * places + 1, splits, pieces)


@given(
    texts=st.lists(st.lists(st.integers(0, 5), max_size=10), max_size=4),
    max_pieces=st.integers(1, 8),
)
def test_spans_of_any_piece_counts_equal_a_brute_force_enumeration(
    texts: list[list[int]], max_pieces: int
) -> None:
    assert_equals_brute_force([tokens_of(counts) for counts in texts], max_pieces)


@given(st.lists(st.integers(0, 30), max_size=6))
def test_pooling_blocks_hold_the_tokens_of_one_text_each(counts: list[int]) -> None:
    blocks = pooling_blocks(np.array(counts, dtype=np.int64))
    expected, first = [], 0
    for count in counts:
        expected += range(first, first + count, POOLING_BLOCK)
        first += count
    assert blocks.starts.tolist() == expected
    tokens = blocks.starts[blocks.slots // POOLING_BLOCK] + blocks.slots % POOLING_BLOCK
    assert tokens.tolist() == list(range(first))
