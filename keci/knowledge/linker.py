"""Concept mentions: the n-grams of a text that a knowledge base has a name for."""

from typing import NamedTuple

from keci.knowledge.abbreviations import find_abbreviations
from keci.knowledge.compounds import add_compounds
from keci.knowledge.keyed_text import KeyedText
from keci.knowledge.ranking import Ranker
from keci.knowledge.spans import Spans
from keci.knowledge.stop_words import STOP_WORDS
from keci.knowledge.store import KnowledgeBase
from keci.knowledge.tables import MAX_KEY_LENGTH


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
        starts, words = keyed.starts, keyed.words
        return tuple(
            [
                ConceptMention(starts[first], starts[last] + len(words[last]), concepts)
                for (first, last), concepts in sorted(spans.candidates.items())
            ]
        )

    def _known_names(self, keyed: KeyedText) -> Spans:
        """The n-grams of whole words that begin and end with no stop word and have a name."""
        spans = Spans()
        words, joined, starts, ends = keyed.words, keyed.joined, keyed.starts, keyed.key_ends
        prefixes, rank, skipped_at = self._prefixes, self._ranker.rank, keyed.prefixes
        candidates = spans.candidates
        in_capitals = len(words) > 2 and keyed.text.isupper()
        for first, key_start in enumerate(keyed.key_starts):
            word = words[first]
            if key_start < 0 or word in STOP_WORDS:
                continue
            skipped = skipped_at.get(first, 0) if skipped_at else 0
            for start in (key_start + skipped, key_start) if skipped else (key_start,):
                for key in prefixes(joined[start : start + MAX_KEY_LENGTH]):
                    last = ends.get(start + len(key))
                    if last is None or words[last] in STOP_WORDS:
                        continue
                    tail = keyed.text[starts[first] + 1 : starts[last] + len(words[last])]
                    concepts = rank(key, not in_capitals and tail != tail.lower())
                    if concepts:
                        candidates[first, last] = concepts
        return spans

    def _add_abbreviations(self, keyed: KeyedText, spans: Spans) -> None:
        """Give the short form, wherever it stands, the concepts of its long form first."""
        starts = {start: place for place, start in enumerate(keyed.starts)}
        ends = {keyed.end(place): place for place in range(len(keyed.words))}
        for found in find_abbreviations(keyed.text):
            long_form = starts.get(found.long_start, -1), ends.get(found.long_end, -1)
            first, last = starts.get(found.short_start, -1), ends.get(found.short_end, -1)
            concepts = spans.candidates.get(long_form)
            if concepts is None or first < 0 or last < 0:
                continue
            short = keyed.words[first : last + 1]
            for place in range(len(keyed.words) - len(short) + 1):
                if keyed.words[place : place + len(short)] == short:
                    end = place + len(short) - 1
                    known = spans.candidates.get((place, end), ())
                    merged = tuple(dict.fromkeys(concepts + known))[: self.max_candidates]
                    spans.put(place, end, merged)
