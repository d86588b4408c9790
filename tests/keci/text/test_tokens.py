import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex
from tokenizers.normalizers import Replace

from keci.errors import BundleError
from keci.text import tokens as tokens_module
from keci.text.tokens import TextTokenizer, TokenisedText
from tests.strategies import hard_texts
from tests.tiny import VOCABULARY, tiny_text_tokenizer, tiny_tokenizer

TOKENIZER = tiny_text_tokenizer()
UNKNOWN = VOCABULARY.index("[UNK]")


def words_of(text: str) -> list[str]:
    tokens = tokenise(text)
    ends = zip(tokens.word_starts.tolist(), tokens.word_ends.tolist(), strict=True)
    return [text[start:end] for start, end in ends]


def tokenise(text: str) -> TokenisedText:
    (tokens,) = TOKENIZER([text])
    return tokens


def pieces_of(text: str) -> list[list[str]]:
    """The pieces of each word."""
    tokens = tokenise(text)
    pieces = [VOCABULARY[piece] for piece in tokens.piece_ids]
    splits = tokens.word_pieces.tolist()
    return [pieces[a:b] for a, b in pairwise(splits)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rash  after   abc", ["rash", "after", "abc"]),
        (" rash\tafter\nabc ", ["rash", "after", "abc"]),
        ("α-abc/β", ["α", "-", "abc", "/", "β"]),
        ("𝛼abc 🧬 rash", ["𝛼abc", "🧬", "rash"]),
        ("e\u0301abc rash", ["e\u0301abc", "rash"]),
        ("[UNK] rash", ["[", "UNK", "]", "rash"]),
        ("ab_cd", ["ab_cd"]),
        ("a\u00a0b", ["a", "b"]),
    ],
)
def test_words_are_cut_from_the_text_exactly(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_words_become_pieces() -> None:
    assert pieces_of("rash ab-c1") == [["rash"], ["a", "##b"], ["-"], ["c", "##1"]]


def test_an_unknown_word_is_one_unknown_piece() -> None:
    assert pieces_of("rash ω abc") == [["rash"], ["[UNK]"], ["a", "##b", "##c"]]


def test_a_sign_that_the_normalisation_splits_keeps_its_word() -> None:
    assert pieces_of("a_b 中中") == [["a", "[UNK]", "b"], ["中", "中"]]


def test_a_word_that_the_normalisation_erases_has_no_piece() -> None:
    assert words_of("rash \x07 abc") == ["rash", "\x07", "abc"]
    assert pieces_of("rash \x07 abc") == [["rash"], [], ["a", "##b", "##c"]]


def test_a_decomposed_letter_is_read_like_its_letter() -> None:
    assert pieces_of("e\u0301a") == [["e", "##a"]]
    assert words_of("xe\u0301a b") == ["xe\u0301a", "b"]


def test_a_word_of_a_thousand_letters_is_one_unknown_piece() -> None:
    tokens = tokenise("rash " + "a" * 1000 + " abc")
    assert (tokens.word_starts[1], tokens.word_ends[1]) == (5, 1005)
    assert tokens.piece_ids[1] == UNKNOWN
    assert np.diff(tokens.word_pieces).tolist() == [1, 1, 3]


def test_texts_without_words_have_no_pieces() -> None:
    for text in ("", " ", "\n\t  "):
        tokens = tokenise(text)
        assert len(tokens.word_starts) == len(tokens.piece_ids) == 0
        assert tokens.word_pieces.tolist() == [0]


def test_no_text_at_all_gives_nothing() -> None:
    assert TOKENIZER([]) == []


@given(hard_texts() | st.text())
def test_words_cover_every_character_but_white_space(text: str) -> None:
    assert "".join(words_of(text)) == re.sub(r"\s", "", text)


@given(hard_texts() | st.text())
def test_pieces_belong_to_words_in_order(text: str) -> None:
    tokens = tokenise(text)
    assert len(tokens.word_pieces) == len(tokens.word_starts) + 1
    assert tokens.word_pieces[0] == 0
    assert tokens.word_pieces[-1] == len(tokens.piece_ids)
    assert (np.diff(tokens.word_pieces) >= 0).all()
    for name in ("word_starts", "word_ends", "word_pieces", "piece_ids"):
        assert getattr(tokens, name).dtype == np.int32


@given(hard_texts())
def test_the_pieces_of_a_word_are_those_of_the_word_alone(text: str) -> None:
    alone = [pieces_of(word) for word in words_of(text)]
    assert [[piece for pieces in word for piece in pieces] for word in alone] == pieces_of(text)


@given(st.lists(hard_texts(), max_size=4))
def test_a_text_is_tokenised_alike_in_any_company(texts: list[str]) -> None:
    for text, tokens in zip(texts, TOKENIZER(texts), strict=True):
        alone = tokenise(text)
        assert tokens.piece_ids.tolist() == alone.piece_ids.tolist()
        assert tokens.word_pieces.tolist() == alone.word_pieces.tolist()


def tokenised_whole(text: str) -> tuple[list[int], list[int]]:
    """Pieces and word splits by the tokenizer itself, which is given all words at once."""
    words = words_of(text)
    encoding = tiny_tokenizer().encode(words, is_pretokenized=True, add_special_tokens=False)
    counts = np.bincount(np.array(encoding.word_ids, dtype=int), minlength=len(words))
    return encoding.ids, [0, *counts.cumsum().tolist()]


@given(st.lists(hard_texts(), max_size=4), st.integers(0, 30))
def test_forgotten_words_have_the_same_pieces_again(texts: list[str], remembered: int) -> None:
    tokenizer = tiny_text_tokenizer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens_module, "_KNOWN_CHARACTERS", remembered)
        for text in (*texts, *texts):
            (tokens,) = tokenizer([text])
            found = tokens.piece_ids.tolist(), tokens.word_pieces.tolist()
            assert found == tokenised_whole(text)


def test_no_more_words_are_remembered_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokens_module, "_KNOWN_CHARACTERS", 100)
    tokenizer = tiny_text_tokenizer()
    for number in range(300):
        tokenizer([f"rash{number} abc{number}"])
        assert sum(map(len, tokenizer._known)) <= 100
    tokenizer(["a" * 5000])
    tokenizer(["rash"])
    assert sum(map(len, tokenizer._known)) <= 100


def test_special_tokens_and_padding_are_found() -> None:
    assert TOKENIZER.prefix_ids == [VOCABULARY.index("[CLS]")]
    assert TOKENIZER.suffix_ids == [VOCABULARY.index("[SEP]")]
    assert TOKENIZER.pad_id == VOCABULARY.index("[PAD]")
    assert TOKENIZER.special_count == 2


def test_a_tokenizer_without_special_tokens_adds_none() -> None:
    plain = tiny_tokenizer()
    plain.post_processor = None  # type: ignore[assignment]
    assert TextTokenizer(plain).special_count == 0


def test_truncation_and_padding_of_a_tokenizer_are_turned_off() -> None:
    cutting = tiny_tokenizer()
    cutting.enable_truncation(4)
    cutting.enable_padding(length=9)
    (tokens,) = TextTokenizer(cutting)(["rash after rash after rash after rash"])
    assert len(tokens.piece_ids) == 7


def test_pieces_are_counted_without_special_tokens() -> None:
    assert TOKENIZER.count_pieces("rash abc") == 4


def test_a_tokenizer_is_read_from_its_file(tmp_path: Path) -> None:
    tiny_tokenizer().save(str(tmp_path / "tokenizer.json"))
    read = TextTokenizer.from_file(tmp_path / "tokenizer.json")
    assert read(["rash abc"])[0].piece_ids.tolist() == tokenise("rash abc").piece_ids.tolist()


@pytest.mark.parametrize("content", ["", "{}", "no json"])
def test_a_file_that_is_no_tokenizer_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(content, "utf-8")
    with pytest.raises(BundleError, match=r"tokenizer\.json"):
        TextTokenizer.from_file(path)


def test_a_tokenizer_whose_pattern_gives_up_is_a_bundle_error() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.normalizer = Replace(Regex("(x+x+)+y"), "")
    with pytest.raises(BundleError, match="the model's tokenizer cannot read a text"):
        TextTokenizer(tokenizer)([f"rash {'x' * 5000}."])
