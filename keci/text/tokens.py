"""Words with exact character offsets, and the word pieces that the encoder reads for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

from keci.errors import BundleError
from keci.text.words import find_words

_KNOWN_CHARACTERS = 1 << 18
"""Length of all words whose pieces are remembered: some 30,000, which are most of a text's."""

_PAD_TOKENS = ("[PAD]", "<pad>", "<|pad|>")


@dataclass(frozen=True, slots=True)
class TokenisedText:
    """The words of a text and their word pieces.

    ``word_starts`` and ``word_ends`` (words,) are character offsets, half-open; the pieces of
    word w are ``piece_ids[word_pieces[w]:word_pieces[w + 1]]``. A word that the tokenizer's
    normalisation erases has no piece.
    """

    word_starts: npt.NDArray[np.int32]
    word_ends: npt.NDArray[np.int32]
    word_pieces: npt.NDArray[np.int32]
    piece_ids: npt.NDArray[np.int32]


class TextTokenizer:
    """Splits texts into words by character class and each word into pieces by ``tokenizer``.

    Pieces never cross words, so that a span of words has exact offsets whatever the tokenizer's
    normalisation does to characters.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.tokenizer = tokenizer
        self._known: dict[str, tuple[int, ...]] = {}
        self._known_characters = 0
        self.prefix_ids, self.suffix_ids = _special_ids(tokenizer)
        self.pad_id = _pad_id(tokenizer)

    @classmethod
    def from_file(cls, path: Path) -> "TextTokenizer":
        """Read a tokenizer.json; raises BundleError where it is none."""
        try:
            return cls(Tokenizer.from_file(str(path)))
        except Exception as error:  # the Rust library raises a bare Exception
            raise BundleError(f"{path} is not a readable tokenizer.json: {error}") from error

    def __call__(self, texts: Sequence[str]) -> list[TokenisedText]:
        offsets = [find_words(text) for text in texts]
        words = [
            [text[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
            for text, (starts, ends) in zip(texts, offsets, strict=True)
        ]
        pieces = self._pieces(set(chain.from_iterable(words)))
        return [
            _tokenised(starts, ends, [pieces[word] for word in text_words])
            for (starts, ends), text_words in zip(offsets, words, strict=True)
        ]

    def _pieces(self, words: set[str]) -> dict[str, tuple[int, ...]]:
        """The pieces of the words, and of others that came before.

        They do not cross words, so that those of a word are the same in any text.
        """
        known = self._known
        new = words - known.keys()
        self._known_characters += sum(map(len, new))
        if self._known_characters > _KNOWN_CHARACTERS:
            known = self._known = {}
            new, self._known_characters = words, sum(map(len, words))
        spelled = sorted(new)
        encoding = _encoded(self.tokenizer, spelled)
        words_of_pieces = np.array(encoding.word_ids, dtype=np.int64)
        cuts = np.searchsorted(words_of_pieces, np.arange(len(spelled) + 1)).tolist()
        ids = encoding.ids
        known |= {
            word: tuple(ids[start:end])
            for word, (start, end) in zip(spelled, pairwise(cuts), strict=True)
        }
        return known

    def count_pieces(self, text: str) -> int:
        """Number of word pieces of ``text``, special tokens left out."""
        return len(self([text])[0].piece_ids)

    @property
    def special_count(self) -> int:
        """Number of special tokens that surround a text."""
        return len(self.prefix_ids) + len(self.suffix_ids)


def _encoded(tokenizer: Tokenizer, words: list[str]) -> Encoding:
    """The pieces of words; raises BundleError where a tokenizer's own patterns give up on one."""
    try:
        return tokenizer.encode(words, is_pretokenized=True, add_special_tokens=False)
    except BaseException as error:
        # A panic of the Rust library is no Exception, and has a type that cannot be imported.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise BundleError(f"the model's tokenizer cannot read a text: {error}") from error
        raise


def _tokenised(
    starts: npt.NDArray[np.int32],
    ends: npt.NDArray[np.int32],
    pieces: Sequence[tuple[int, ...]],
) -> TokenisedText:
    splits = np.array([0, *accumulate(map(len, pieces))], dtype=np.int32)
    return TokenisedText(starts, ends, splits, np.array([*chain(*pieces)], dtype=np.int32))


def _special_ids(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    encoding = tokenizer.encode("a", add_special_tokens=True)
    content = [index for index, special in enumerate(encoding.special_tokens_mask) if not special]
    return encoding.ids[: content[0]], encoding.ids[content[-1] + 1 :]


def _pad_id(tokenizer: Tokenizer) -> int:
    for token in _PAD_TOKENS:
        found = tokenizer.token_to_id(token)
        if found is not None:
            return int(found)
    return 0
