"""Mentions that a known name forms with the words beside it.

A knowledge base knows ``Hox`` and ``lung``, texts speak of ``Hox proteins`` and ``acute lung
injury``; the roles of keyed_text.py say which words may stand beside a name in one mention.

A text of nothing but such words would give mentions of every length between every two of them, so
a compound has a bounded number of words, and each word begins and ends a bounded number.
"""

from keci.knowledge.linking.keyed_text import DISORDER_HEADS, HEAD_GROUPS, KeyedText, Role
from keci.knowledge.linking.ranking import Ranker

Candidates = tuple[int, ...]

MAX_COMPOUND_WORDS = 20
"""A candidate span has at most so many word pieces (``ModelConfig.max_span_pieces``)."""

MAX_NESTED = 8
"""Mentions that may begin, or end, at a word before no compound does so any more.

In 160,000 words of ADE, BioRelEx and PubMed no word begins or ends more than 5.
"""


class Spans:
    """Candidate concepts by (first word, last word), findable from either end.

    The indices of the ends are made when one is first asked for, for most texts need none.
    """

    def __init__(self) -> None:
        self.candidates: dict[tuple[int, int], Candidates] = {}
        self._lasts: dict[int, list[int]] | None = None
        self._firsts: dict[int, list[int]] = {}

    def put(self, first: int, last: int, concepts: Candidates) -> None:
        """Set the candidates of a mention, whether or not it was there."""
        if self._lasts is not None and (first, last) not in self.candidates:
            self._lasts.setdefault(first, []).append(last)
            self._firsts.setdefault(last, []).append(first)
        self.candidates[first, last] = concepts

    def put_compound(self, first: int, last: int, concepts: Candidates) -> None:
        """Set the candidates of a compound, unless it is too long or one of too many."""
        if last - first >= MAX_COMPOUND_WORDS:
            return
        lasts = self._index() if self._lasts is None else self._lasts
        nested = len(lasts.get(first, ())), len(self._firsts.get(last, ()))
        if max(nested) < MAX_NESTED or (first, last) in self.candidates:
            self.put(first, last, concepts)

    def starting_at(self, first: int) -> list[tuple[int, Candidates]]:
        """The last word and the candidates of the mentions that begin with word ``first``.

        The shortest come first.
        """
        found = (self._index() if self._lasts is None else self._lasts).get(first, ())
        lasts = sorted(found) if len(found) > 1 else found
        return [(last, self.candidates[first, last]) for last in lasts]

    def ending_at(self, last: int) -> list[tuple[int, Candidates]]:
        """The first word and the candidates of the mentions that end with word ``last``.

        The shortest come first.
        """
        if self._lasts is None:
            self._index()
        found = self._firsts.get(last, ())
        firsts = sorted(found, reverse=True) if len(found) > 1 else found
        return [(first, self.candidates[first, last]) for first in firsts]

    def _index(self) -> dict[int, list[int]]:
        lasts: dict[int, list[int]] = {}
        for first, last in self.candidates:
            lasts.setdefault(first, []).append(last)
            self._firsts.setdefault(last, []).append(first)
        self._lasts = lasts
        return lasts


_JOINABLE_GROUPS = frozenset({"chemicals", "genes", "disorders"})


def add_compounds(keyed: KeyedText, spans: Spans, ranker: Ranker) -> None:
    """Add the mentions that known names form with the words beside them."""
    for index, role in keyed.roles:
        if role is Role.JOINT and index:
            _join_names(keyed, spans, ranker, index)
    for index, role in keyed.roles:
        if role is Role.HEAD or role is Role.HEAD_AND_MODIFIER:
            _add_head(keyed, spans, ranker, index)
    for index, role in reversed(keyed.roles):
        if role is Role.MODIFIER or role is Role.HEAD_AND_MODIFIER:
            _add_modifier(keyed, spans, ranker, index)
    for index, role in keyed.roles:
        if role is Role.SIGN and index and keyed.end(index - 1) == keyed.starts[index]:
            for first, concepts in spans.ending_at(index - 1):
                spans.put_compound(first, index, concepts)


def _join_names(keyed: KeyedText, spans: Spans, ranker: Ranker, joint: int) -> None:
    """``p300/CBP``: the candidates of both names in turns; of the right names, the longest."""
    following = spans.starting_at(joint + 1)
    if not following or keyed.following(joint - 1) != joint + 1:
        return
    last, right = max(following)
    for first, left in spans.ending_at(joint - 1):
        joinable = all(
            not ranker.groups(part[0]).isdisjoint(_JOINABLE_GROUPS) for part in (left, right)
        )
        if joinable and (first, last) not in spans.candidates:
            spans.put_compound(first, last, ranker.combine(left, right))


def _add_head(keyed: KeyedText, spans: Spans, ranker: Ranker, last: int) -> None:
    """``Hox proteins``: the candidates of the head, if it has any, and of the name in turns.

    The head tells what the name means there: a ``PTB domain`` is of a protein, not of a disease.
    """
    for head_first, groups in _heads_ending_at(keyed, last):
        before = keyed.preceding(head_first)
        names = spans.ending_at(before) if before is not None else ()
        if not names:
            continue
        head = spans.candidates.get((head_first, last), ())
        for first, concepts in names:
            fitting = ranker.fitting(concepts, groups)
            if (first, last) in spans.candidates or not fitting:
                continue
            spans.put_compound(first, last, ranker.combine(head, fitting) if head else fitting)


def _heads_ending_at(keyed: KeyedText, last: int) -> list[tuple[int, frozenset[str]]]:
    """The first word of the heads of one and two words, and the groups that they go with."""
    key, before = keyed.keys[last], keyed.preceding(last)
    heads = [(last, HEAD_GROUPS.get(_singular(key)))]
    if before is not None:
        heads.append((before, HEAD_GROUPS.get(keyed.keys[before] + _singular(key))))
    return [(first, groups) for first, groups in heads if groups is not None]


def _add_modifier(keyed: KeyedText, spans: Spans, ranker: Ranker, index: int) -> None:
    """``acute lung injury``: the candidates of the disorder alone."""
    following = keyed.following(index)
    if following is None:
        return
    for last, concepts in spans.starting_at(following):
        is_disorder = (
            "disorders" in ranker.groups(concepts[0])
            or _singular(keyed.keys[last]) in DISORDER_HEADS
        )
        if is_disorder and (index, last) not in spans.candidates:
            spans.put_compound(index, last, concepts)


def _singular(key: str) -> str:
    return key.removesuffix("s") if key not in HEAD_GROUPS else key
