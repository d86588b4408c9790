"""A text as the linker reads it: its words, their keys, and all keys in one string."""

from dataclasses import dataclass

from keci.knowledge.affixes import suffix_length
from keci.knowledge.normalise import keyed_words, plural_endings

_BARRIER = "\n"
_BRIDGES = "-‐‑–−/'’"
"""Signs that names may have with white space around, as in tokenised text (``IFN - alpha``)."""


@dataclass(frozen=True, slots=True)
class KeyedText:
    """Words with their character offsets and keys; ``joined`` has the keys end to end.

    ``key_starts`` says where in ``joined`` a word's key begins (-1 if it has none), ``key_ends``
    which word ends at a place; a plural also ends before its ending. A barrier stands in
    ``joined`` where punctuation and white space part two words, for no name goes across it.
    """

    text: str
    offsets: list[tuple[int, int]]
    words: list[str]
    keys: list[str]
    joined: str
    key_starts: list[int]
    key_ends: dict[int, int]

    @classmethod
    def of(cls, text: str) -> "KeyedText":
        offsets, words, keys = keyed_words(text)
        pieces: list[str] = []
        key_starts: list[int] = []
        key_ends: dict[int, int] = {}
        position, last_end = 0, 0
        for place, key in enumerate(keys):
            if not key:
                key_starts.append(-1)
                continue
            start, end = offsets[place]
            if start - last_end > 1 and _is_barrier(text[last_end:start]):
                pieces.append(_BARRIER)
                position += 1
            pieces.append(key)
            key_starts.append(position)
            position += len(key)
            key_ends[position] = place
            last_end = end
            if key[-1] == "s":
                for ending in plural_endings(words[place]):
                    key_ends[position - ending] = place
            elif key[-1] == "p" and suffix_length(words[place]):
                key_ends[position - 1] = place
        return cls(text, offsets, words, keys, "".join(pieces), key_starts, key_ends)

    def surface(self, first: int, last: int) -> str:
        """The text from the beginning of word ``first`` to the end of word ``last``."""
        return self.text[self.offsets[first][0] : self.offsets[last][1]]

    def following(self, place: int) -> int | None:
        """The next word with a key, None where a barrier or the end of the text comes first."""
        for other in range(place + 1, min(place + 4, len(self.keys))):
            if self.keys[other]:
                end = self.key_starts[place] + len(self.keys[place])
                return other if self.key_starts[other] == end else None
        return None

    def preceding(self, place: int) -> int | None:
        """The last word with a key before ``place``, None where a barrier or the start is nearer."""
        for other in range(place - 1, max(place - 4, -1), -1):
            if self.keys[other]:
                end = self.key_starts[other] + len(self.keys[other])
                return other if end == self.key_starts[place] else None
        return None


def _is_barrier(gap: str) -> bool:
    """Whether white space and a sign other than a bridge lie between two words."""
    signs = "".join(gap.split())
    return len(signs) < len(gap) and bool(signs.strip(_BRIDGES)) and signs[1:] != "s"
