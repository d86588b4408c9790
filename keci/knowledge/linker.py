"""Concept mentions: the n-grams of a text that a knowledge base has a name for."""

from typing import NamedTuple

from keci.knowledge.abbreviations import find_abbreviations
from keci.knowledge.compounds import Ranker, Spans, add_compounds, prefix_length
from keci.knowledge.keyed_text import KeyedText
from keci.knowledge.stop_words import STOP_WORDS
from keci.knowledge.store import KnowledgeBase
from keci.knowledge.tables import MAX_KEY_LENGTH, STRICT, SYMBOL

_CACHE_SIZE = 1 << 18


class ConceptMention(NamedTuple):
    """The half-open character span of a mention and its candidate concepts, best first."""

    start: int
    end: int
    concepts: tuple[int, ...]


class Linker:
    """Finds the concepts of ``knowledge_base`` in texts, at most ``max_candidates`` per mention.

    All mentions are kept, nested and overlapping ones too. ``compounds`` adds mentions that a known
    name forms with the words beside it; ``abbreviations`` gives a short form that the text itself
    explains the concepts of its long form. A text has the same mentions whatever was linked
    before; the caches only save time.
    """

    def __init__(
        self,
        knowledge_base: KnowledgeBase,
        *,
        max_candidates: int = 6,
        compounds: bool = True,
        abbreviations: bool = True,
    ) -> None:
        self.knowledge_base = knowledge_base
        self.max_candidates = max_candidates
        self.compounds = compounds
        self.abbreviations = abbreviations
        self._prefixes = knowledge_base.tables.name_keys.prefixes
        self._ranker = Ranker(knowledge_base, max_candidates)

    def link(self, text: str) -> tuple[ConceptMention, ...]:
        """The concept mentions of ``text``, sorted by start, then end."""
        keyed = KeyedText.of(text)
        spans = self._known_names(keyed)
        if self.abbreviations and "(" in text:
            self._add_abbreviations(keyed, spans)
        if self.compounds:
            add_compounds(keyed, spans, self._ranker)
        offsets = keyed.offsets
        return tuple(
            ConceptMention(offsets[first][0], offsets[last][1], spans[first, last])
            for first, last in sorted(spans)
        )
