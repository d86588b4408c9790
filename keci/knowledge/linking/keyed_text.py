"""A text as the linker reads it: its words, their keys, and all keys in one string."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from keci.knowledge.affixes import prefix_length, suffix_length
from keci.knowledge.normalise import is_possessive, plural_endings, word_key
from keci.knowledge.roles import Role, word_role
from keci.text.words import word_pattern

_BARRIER = "\n"
_BRIDGES = "-‐‑–−/'’"
"""Signs that names may have with white space around, as in tokenised text (``IFN - alpha``)."""


class WordForms(NamedTuple):
    """The key of a word, the lengths of endings and of a prefix that it may lose, and its role."""

    key: str
    endings: tuple[int, ...]
    prefix: int
    role: Role


@dataclass(frozen=True, slots=True)
class KeyedText:
    """Words with their first character and their key; ``joined`` has the keys end to end.

    ``key_starts`` says where in ``joined`` a word's key begins (-1 if it has none), ``key_ends``
    which word ends at a place; a plural also ends before its ending. A barrier stands in
    ``joined`` where punctuation and white space part two words, for no name goes across it.
    ``prefixed`` are the words that may lose letters before a name, with their number (affixes.py),
    ``roles`` the words that have one beside a name (roles.py).
    """

    text: str
    starts: list[int]
    words: list[str]
    keys: list[str]
    joined: str
    key_starts: list[int]
    key_ends: dict[int, int]
    prefixed: list[tuple[int, int]]
    roles: list[tuple[int, Role]]

    @classmethod
    def of(cls, text: str) -> "KeyedText":
        words: list[str] = word_pattern(text).findall(text)
        starts: list[int] = []
        keys: list[str] = []
        pieces: list[str] = []
        key_starts: list[int] = []
        key_ends: dict[int, int] = {}
        prefixed: list[tuple[int, int]] = []
        roles: list[tuple[int, Role]] = []
        position = last_end = word_end = 0
        for place, word in enumerate(words):
            start = text.find(word, word_end)
            word_end = start + len(word)
            starts.append(start)
            key, endings, prefix, role = word_forms(word)
            if prefix:
                prefixed.append((place, prefix))
            if role:
                roles.append((place, role))
            if not key or (key == "s" and is_possessive(words, place)):
                keys.append("")
                key_starts.append(-1)
                continue
            if start - last_end > 1 and _is_barrier(text[last_end:start]):
                pieces.append(_BARRIER)
                position += 1
            keys.append(key)
            pieces.append(key)
            key_starts.append(position)
            position += len(key)
            key_ends[position] = place
            for ending in endings:
                key_ends[position - ending] = place
            last_end = word_end
        joined = "".join(pieces)
        return cls(text, starts, words, keys, joined, key_starts, key_ends, prefixed, roles)

    def end(self, place: int) -> int:
        """The character offset behind word ``place``."""
        return self.starts[place] + len(self.words[place])

    def following(self, place: int) -> int | None:
        """The next word with a key, None where a barrier or the end of the text comes first."""
        key_end = self.key_starts[place] + len(self.keys[place])
        for other in range(place + 1, min(place + 4, len(self.keys))):
            if self.keys[other]:
                return other if self.key_starts[other] == key_end else None
        return None

    def preceding(self, place: int) -> int | None:
        """The last word with a key before ``place``, None where a barrier or the start is."""
        for other in range(place - 1, max(place - 4, -1), -1):
            if self.keys[other]:
                key_end = self.key_starts[other] + len(self.keys[other])
                return other if key_end == self.key_starts[place] else None
        return None


@lru_cache(maxsize=1 << 18)
def word_forms(word: str) -> WordForms:
    """All that is said about a word whatever text it stands in."""
    endings, suffix, key = plural_endings(word), suffix_length(word), word_key(word)
    all_endings = (*endings, suffix) if suffix else endings
    return WordForms(key, all_endings, prefix_length(word), word_role(word, key))


def _is_barrier(gap: str) -> bool:
    """Whether white space and a sign other than a bridge lie between two words."""
    signs = "".join(gap.split())
    return len(signs) < len(gap) and bool(signs.strip(_BRIDGES)) and signs[1:] != "s"
