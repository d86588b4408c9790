"""Concept mentions: the n-grams of a text that a knowledge base has a name for."""

from typing import NamedTuple

from keci.cache import Cache
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.base.tables import MAX_KEY_LENGTH
from keci.knowledge.linking.abbreviations import Abbreviation, explains_rest, find_abbreviations
from keci.knowledge.linking.compounds import Spans, add_compounds
from keci.knowledge.linking.keyed_text import KeyedText, word_forms
from keci.knowledge.linking.normalise import STOP_WORDS
from keci.knowledge.linking.ranking import Ranker

MAX_NAME_WORDS = 60
"""A name has fewer words in a text, signs among them (``2 - ( 4 - chlorophenyl ) - ethanol``)."""

_LOOK_AHEAD = 3
"""So many characters of the next words tell whether a longer name may begin here."""

_BEYOND = "\n" * _LOOK_AHEAD
"""Stands behind the last word, so that what is looked at tells where its first word ends."""


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
        self._known_words = Cache[str, tuple[int, ...]](), Cache[str, tuple[int, ...]]()
        self._goes_on = Cache[str, bool]()

    def link(self, text: str) -> tuple[ConceptMention, ...]:
        """The concept mentions of ``text``, sorted by start, then end."""
        keyed = KeyedText.of(text)
        spans = self._known_names(keyed)
        if "(" in text:
            _close_brackets(keyed, spans.candidates)
            if self.abbreviations:
                self._add_abbreviations(keyed, spans)
        if self.compounds:
            add_compounds(keyed, spans, self._ranker)
        starts, words, candidates = keyed.starts, keyed.words, spans.candidates
        return tuple(
            [
                ConceptMention(starts[first], starts[last] + len(words[last]), candidates[span])
                for span in sorted(candidates)
                for first, last in (span,)
            ]
        )

    def _known_names(self, keyed: KeyedText) -> Spans:
        """The n-grams of whole words that begin and end with no stop word and have a name."""
        spans = Spans()
        candidates, goes_on, joined = spans.candidates, self._goes_on, keyed.joined + _BEYOND
        in_capitals = len(keyed.words) > 2 and keyed.text.isupper()
        known_words = self._known_words[in_capitals]
        words, keys = keyed.words, keyed.keys
        for first, key_start in enumerate(keyed.key_starts):
            if key_start < 0:
                continue
            word = words[first]
            concepts = known_words.get(word)
            if concepts is None:
                concepts = known_words.put(word, self._word_candidates(word, in_capitals))
            if concepts:
                candidates[first, first] = concepts
            elif word in STOP_WORDS:
                continue
            key_length = len(keys[first])
            head = joined[key_start : key_start + key_length + _LOOK_AHEAD]
            is_longer = goes_on.get(head)
            if is_longer is None:
                is_longer = goes_on.put(head, self._has_longer_key(head, key_length))
            if is_longer:
                self._add_longer_names(keyed, candidates, first, in_capitals=in_capitals)
        for first, prefix in keyed.prefixed:
            if keyed.key_starts[first] >= 0:
                self._add_longer_names(
                    keyed, candidates, first, prefix=prefix, in_capitals=in_capitals
                )
        return spans

    def _word_candidates(self, word: str, in_capitals: bool) -> tuple[int, ...]:
        """The candidates of a word alone: as it stands, without an ending, without a prefix."""
        if word in STOP_WORDS:
            return ()
        whole, endings, prefix, _ = word_forms(word)
        has_inner_capital = not in_capitals and word[1:] != word[1:].lower()
        is_capital = has_inner_capital and word.removesuffix("s").isupper()
        for start in (0, prefix) if prefix else (0,):
            for ending in (0, *sorted(endings)):
                key = whole[start : len(whole) - ending]
                concepts = self._ranker.rank(key, has_inner_capital, is_capital=is_capital)
                if concepts:
                    return concepts
        return ()

    def _has_longer_key(self, head: str, length: int) -> bool:
        """Whether a key of more than ``length`` characters begins ``head``, or begins with it."""
        trie = self.knowledge_base.tables.name_keys
        if next(trie.iterkeys(head), None) is not None:
            return True
        return any(head[:end] in trie for end in range(length + 1, len(head)))

    def _add_longer_names(
        self,
        keyed: KeyedText,
        candidates: dict[tuple[int, int], tuple[int, ...]],
        first: int,
        *,
        in_capitals: bool,
        prefix: int = 0,
    ) -> None:
        """Add the names of several words that begin with word ``first``, or behind its prefix."""
        key_start = keyed.key_starts[first] + prefix
        key_length = len(keyed.keys[first]) - prefix
        for key in self._prefixes(keyed.joined[key_start : key_start + MAX_KEY_LENGTH]):
            if len(key) <= key_length:
                continue
            last = keyed.key_ends.get(key_start + len(key))
            if last is None or last - first >= MAX_NAME_WORDS or keyed.words[last] in STOP_WORDS:
                continue
            tail = keyed.text[keyed.starts[first] + 1 : keyed.end(last)]
            concepts = self._ranker.rank(key, not in_capitals and tail != tail.lower())
            if concepts and not (prefix and (first, last) in candidates):
                candidates[first, last] = concepts

    def _add_abbreviations(self, keyed: KeyedText, spans: Spans) -> None:
        """Give the short forms, wherever they stand, the concepts of their long forms first."""
        explained = self._explained(keyed, spans)
        by_first_word: dict[str, list[tuple[str, ...]]] = {}
        for short in sorted(explained, key=len):
            by_first_word.setdefault(short[0], []).append(short)
        if not explained:
            return
        for first, word in enumerate(keyed.words):
            for short in by_first_word.get(word, ()):
                last = first + len(short) - 1
                if tuple(keyed.words[first : last + 1]) == short:
                    known = spans.candidates.get((first, last), ())
                    spans.put(first, last, self._first_of(explained[short] + known))

    def _explained(self, keyed: KeyedText, spans: Spans) -> dict[tuple[str, ...], tuple[int, ...]]:
        """The concepts of the long forms of each short form, by its words, the last one's first.

        A long form may itself be a short form that was explained before it.
        """
        explained: dict[tuple[str, ...], tuple[int, ...]] = {}
        for found in find_abbreviations(keyed.text):
            long_form = keyed.starting(found.long_start), keyed.ending(found.long_end)
            first, last = keyed.starting(found.short_start), keyed.ending(found.short_end)
            known = spans.candidates.get(long_form, ())
            long_words = tuple(keyed.words[long_form[0] : long_form[1] + 1])
            concepts = explained.get(long_words, ()) + known
            if not concepts and long_form[1] >= 0:
                concepts = _named_ending(keyed, spans, found, long_form[1])
            if not concepts or first < 0 or last < 0:
                continue
            short = tuple(keyed.words[first : last + 1])
            explained[short] = self._first_of(concepts + explained.get(short, ()))
        return explained

    def _first_of(self, concepts: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(concepts))[: self.max_candidates]


def _close_brackets(keyed: KeyedText, candidates: dict[tuple[int, int], tuple[int, ...]]) -> None:
    """Let ``PGE(2`` of PGE(2) and ``Ca(2`` of Ca(2+) end with the bracket, ``123)I`` begin with it.

    Keys have no brackets; PubMed writes what is raised or lowered in them.
    """
    words = keyed.words
    for first, last in [span for span in candidates if span[0] < span[1]]:
        inside = words[first : last + 1]
        opened = inside.count("(") - inside.count(")")
        signed = last + (words[last + 1 : last + 2] == ["+"])
        if opened == 1 and words[signed + 1 : signed + 2] == [")"]:
            whole = first, signed + 1
        elif opened == -1 and first and words[first - 1] == "(":
            whole = first - 1, last
        else:
            continue
        candidates.setdefault(whole, candidates.pop((first, last)))


def _named_ending(
    keyed: KeyedText, spans: Spans, found: Abbreviation, last: int
) -> tuple[int, ...]:
    """The concepts of the longest name that ends a long form, if the short form has its letters."""
    short = keyed.text[found.short_start : found.short_end]
    for first, concepts in sorted(spans.ending_at(last)):
        start = keyed.starts[first]
        is_inside = found.long_start < start and first < last
        if is_inside and explains_rest(keyed.text, start, found.long_end, short):
            return concepts
    return ()
