"""Documents cut into the text units that the model reads at once.

Two ways: each sentence is a unit, or the whole document. A document beyond the budget becomes
overlapping windows of whole sentences, as long as the budget allows. A sentence beyond the budget
is cut between words (a word beyond it, inside) into overlapping windows. Every character that is
not white space lies in some unit. How the encoder reads a unit that is longer than one of its rows
is the matter of ``keci.text.rows``.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from keci.documents import Document, Extraction, Mention, Relation
from keci.errors import ConfigError, UsageError
from keci.overlaps import without_doubles
from keci.text.sentences import SENTENCE, UNITS, split_sentences

MOST_PIECES_PER_CHARACTER = 4
"""Byte-level vocabularies may need a piece for each UTF-8 byte."""
MOST_PIECES_PER_ASCII_CHARACTER = 2
"""A piece for the character, and one that marks the beginning of a word."""

_WHITE = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class TextUnit:
    """A stretch of a document's text that begins at the document's character ``start``."""

    start: int
    text: str


@dataclass(frozen=True, slots=True)
class WindowBudget:
    """What the model reads at once: at most ``pieces`` word pieces, special ones not counted.

    A window repeats at most ``overlap`` pieces of the one before it.
    """

    pieces: int
    overlap: int
    count_pieces: Callable[[str], int]

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.pieces:
            raise ConfigError(
                "expected 0 <= overlap < pieces, got an overlap of "
                f"{self.overlap} in windows of {self.pieces}"
            )

    def holds(self, text: str) -> bool:
        most = MOST_PIECES_PER_ASCII_CHARACTER if text.isascii() else MOST_PIECES_PER_CHARACTER
        return len(text) * most <= self.pieces or self.count_pieces(text) <= self.pieces


def text_units(document: Document, *, unit: str, budget: WindowBudget) -> tuple[TextUnit, ...]:
    """The units of a document in text order; none where it is empty.

    ``unit`` is ``sentence`` or ``document``; raises UsageError for another.
    """
    if unit not in UNITS:
        raise UsageError(f"unknown unit {unit!r}; known are {', '.join(UNITS)}")
    text = document.text
    sentences = split_sentences(text)
    groups = [[sentence] for sentence in sentences] if unit == SENTENCE else [list(sentences)]
    spans = (span for group in groups if group for span in _windows(text, group, budget))
    return tuple(TextUnit(start, text[start:end]) for start, end in spans)


@dataclass(frozen=True, slots=True)
class _Atom:
    """A stretch of text that windows do not cut, with its number of word pieces."""

    start: int
    end: int
    pieces: int


def _windows(
    text: str, sentences: Sequence[tuple[int, int]], budget: WindowBudget
) -> Iterator[tuple[int, int]]:
    start, end = sentences[0][0], sentences[-1][1]
    if budget.holds(text[start:end]):
        yield start, end
        return
    atoms = [atom for start, end in sentences for atom in _sentence_atoms(text, start, end, budget)]
    first = 0
    while True:
        last = _last_that_fits(text, atoms, first, budget)
        yield atoms[first].start, atoms[last].end
        if last == len(atoms) - 1:
            return
        first = _next_first(atoms, first, last, budget)


def _sentence_atoms(text: str, start: int, end: int, budget: WindowBudget) -> Iterator[_Atom]:
    """The sentence whole where it fits, else stretches short enough for windows to share some."""
    pieces = budget.count_pieces(text[start:end])
    if pieces <= budget.pieces:
        yield _Atom(start, end, pieces)
    else:
        limit = max(1, (budget.overlap or budget.pieces) // 4)
        yield from _halves(text, _Atom(start, end, pieces), limit, budget.count_pieces)


def _halves(
    text: str, atom: _Atom, limit: int, count_pieces: Callable[[str], int]
) -> Iterator[_Atom]:
    """Cut in two at white space near the middle, again and again, down to ``limit`` pieces."""
    if atom.pieces <= limit or atom.end - atom.start == 1:
        yield atom
        return
    cut = _middle(text, atom.start, atom.end)
    left_end = atom.start + len(text[atom.start : cut].rstrip())
    right_start = atom.end - len(text[cut : atom.end].lstrip())
    for start, end in ((atom.start, left_end), (right_start, atom.end)):
        half = _Atom(start, end, count_pieces(text[start:end]))
        yield from _halves(text, half, limit, count_pieces)


def _middle(text: str, start: int, end: int) -> int:
    middle = (start + end) // 2
    if white := _WHITE.search(text, middle, end):
        return white.start()
    blank = text.rfind(" ", start, middle)
    return blank if blank > start else middle


def _last_that_fits(text: str, atoms: Sequence[_Atom], first: int, budget: WindowBudget) -> int:
    last = first
    total = atoms[first].pieces
    while last + 1 < len(atoms) and total + atoms[last + 1].pieces <= budget.pieces:
        last += 1
        total += atoms[last].pieces
    while last > first and not budget.holds(text[atoms[first].start : atoms[last].end]):
        last -= 1  # the halves of a cut word may take more pieces together than apart
    return last


def _next_first(atoms: Sequence[_Atom], first: int, last: int, budget: WindowBudget) -> int:
    """As far back from ``last`` as the overlap allows while the atom after it still fits."""
    room = min(budget.overlap, budget.pieces - atoms[last + 1].pieces)
    start = last + 1
    while start - 1 > first and atoms[start - 1].pieces <= room:
        start -= 1
        room -= atoms[start].pieces
    return start


MentionKey = tuple[int, int, str]
RelationKey = tuple[MentionKey, MentionKey, str]


def reassemble(
    document: Document,
    units: Sequence[TextUnit],
    extractions: Sequence[Extraction],
    overlaps: Collection[tuple[str, str]] | None = None,
) -> Extraction:
    """One extraction over the document, ids renumbered T1, R1 and on in text order.

    What overlapping units both found (same offsets and type; for relations the same ends and type)
    is kept once, with the higher score; so is one of two mentions that overlap although their types
    are none of the pairs in ``overlaps``, where these are known.
    """
    found = _Found()
    for unit, extraction in zip(units, extractions, strict=True):
        found.add(unit, extraction)
    if overlaps is not None and len(units) > 1:
        found.drop_doubles(overlaps)
    mention_ids = {key: f"T{number}" for number, key in enumerate(sorted(found.mentions), 1)}
    mentions = tuple(_placed(found.mentions[key], key, id_) for key, id_ in mention_ids.items())
    relations = tuple(
        Relation(
            f"R{number}",
            mention_ids[head],
            mention_ids[tail],
            kind,
            found.relations[head, tail, kind],
        )
        for number, (head, tail, kind) in enumerate(sorted(found.relations), 1)
    )
    return Extraction(document.id, document.text, mentions, relations, document.metadata)


def _placed(mention: Mention, key: MentionKey, id_: str) -> Mention:
    """The mention with its id and offsets in the document."""
    start, end, kind = key
    return replace(mention, id=id_, start=start, end=end, type=kind)


@dataclass(frozen=True, slots=True)
class _Found:
    """What the units have: mentions with a unit's offsets, and the scores of relations."""

    mentions: dict[MentionKey, Mention] = field(default_factory=dict)
    relations: dict[RelationKey, float | None] = field(default_factory=dict)

    def add(self, unit: TextUnit, extraction: Extraction) -> None:
        keys: dict[str, MentionKey] = {}
        for mention in extraction.mentions:
            start, end = unit.start + mention.start, unit.start + mention.end
            key = keys[mention.id] = (start, end, mention.type)
            known = self.mentions.get(key)
            if known is None or _rank(mention.score) > _rank(known.score):
                self.mentions[key] = mention
        for relation in extraction.relations:
            ends = (keys[relation.head], keys[relation.tail], relation.type)
            if ends not in self.relations or _rank(relation.score) > _rank(self.relations[ends]):
                self.relations[ends] = relation.score

    def drop_doubles(self, allowed: Collection[tuple[str, str]]) -> None:
        """Drop the mentions that may not overlap better ones, with their relations."""
        keys = sorted(self.mentions)
        spans = [(*key, _rank(self.mentions[key].score)) for key in keys]
        staying = {keys[at] for at in without_doubles(spans, allowed)}
        for key in self.mentions.keys() - staying:
            del self.mentions[key]
        for ends in [ends for ends in self.relations if not {*ends[:2]} <= staying]:
            del self.relations[ends]


def _rank(score: float | None) -> float:
    return -1.0 if score is None else score
