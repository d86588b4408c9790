"""Concept mentions: the n-grams of a text that a knowledge base has a name for."""

from typing import NamedTuple

from keci.knowledge.normalise import keyed_words, plural_endings
from keci.knowledge.stop_words import STOP_WORDS
from keci.knowledge.store import KnowledgeBase
from keci.knowledge.tables import MAX_KEY_LENGTH, STRICT, SYMBOL

_BARRIER = "\n"
_BRIDGES = "-‐‑–−/'’"
"""Signs that names may have with white space around, as in tokenised text (``IFN - alpha``)."""
_CACHE_SIZE = 1 << 18


class ConceptMention(NamedTuple):
    """The half-open character span of a mention and its candidate concepts, best first."""

    start: int
    end: int
    concepts: tuple[int, ...]


class Linker:
    """Finds the concepts of ``knowledge_base`` in texts, at most ``max_candidates`` per mention.

    All mentions are kept, nested and overlapping ones too. A text has the same mentions whatever
    was linked before; the caches only save time.
    """

    def __init__(self, knowledge_base: KnowledgeBase, *, max_candidates: int = 6) -> None:
        self.knowledge_base = knowledge_base
        self.max_candidates = max_candidates
        self._prefixes = knowledge_base.tables.name_keys.prefixes
        self._ranked: dict[tuple[str, bool], tuple[int, ...]] = {}

    def link(self, text: str) -> tuple[ConceptMention, ...]:
        """The concept mentions of ``text``, sorted by start, then end."""
        offsets, words, keys = keyed_words(text)
        joined, key_starts, key_ends = _join_keys(text, offsets, words, keys)
        in_capitals = text.isupper()
        mentions: list[ConceptMention] = []
        for first, key_start in enumerate(key_starts):
            if key_start < 0 or words[first] in STOP_WORDS:
                continue
            start = offsets[first][0]
            found = self._prefixes(joined[key_start : key_start + MAX_KEY_LENGTH])
            for last, key in _whole_word_matches(found, key_start, key_ends):
                if words[last] in STOP_WORDS:
                    continue
                end = offsets[last][1]
                tail = text[start + 1 : end]
                concepts = self._rank(key, not in_capitals and tail != tail.lower())
                if concepts:
                    mentions.append(ConceptMention(start, end, concepts))
        return tuple(mentions)

    def _rank(self, key: str, has_inner_capital: bool) -> tuple[int, ...]:
        ranked = self._ranked.get((key, has_inner_capital))
        if ranked is None:
            if len(self._ranked) >= _CACHE_SIZE:
                self._ranked.clear()
            ranked = self._ranked[key, has_inner_capital] = self._ranked_candidates(
                key, has_inner_capital
            )
        return ranked

    def _ranked_candidates(self, key: str, has_inner_capital: bool) -> tuple[int, ...]:
        concepts, flags = self.knowledge_base.postings(key)
        preferred = SYMBOL if has_inner_capital else 0
        allowed = [
            (flag & SYMBOL != preferred, place)
            for place, flag in enumerate(flags.tolist())
            if has_inner_capital or not flag & STRICT
        ]
        order = [place for _, place in sorted(allowed)[: self.max_candidates]]
        return tuple(concepts[order].tolist())


def _join_keys(
    text: str, offsets: list[tuple[int, int]], words: list[str], keys: list[str]
) -> tuple[str, list[int], dict[int, int]]:
    """The keys end to end, where each begins (-1 if empty), and the word that ends at a place.

    A barrier stands where punctuation and white space part two words, for no name goes across it.
    A word in the plural also ends before its ending.
    """
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
        for ending in plural_endings(words[place]):
            key_ends[position - ending] = place
        last_end = end
    return "".join(pieces), key_starts, key_ends


def _is_barrier(gap: str) -> bool:
    """Whether white space and a sign other than a bridge lie between two words."""
    signs = "".join(gap.split())
    return len(signs) < len(gap) and bool(signs.strip(_BRIDGES)) and signs[1:] != "s"


def _whole_word_matches(
    found: list[str], key_start: int, key_ends: dict[int, int]
) -> list[tuple[int, str]]:
    """The last word and the key of each match that ends with a word; the longest key of a word."""
    matches: dict[int, str] = {}
    for key in found:
        last = key_ends.get(key_start + len(key))
        if last is not None:
            matches[last] = key
    return list(matches.items())
