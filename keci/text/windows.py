"""What is read at once: units of a document, windows of a long unit, rows of the encoder.

A document is cut into units: each sentence is one, or the whole document. A unit beyond what the
model reads (four rows of the encoder) becomes overlapping windows of whole sentences, as long as
that allows; each is read as a text of its own. A sentence beyond it is cut between words (a word
beyond it, inside). Every character that is not white space lies in some window.

What the model reads but the encoder does not hold becomes overlapping rows of word pieces, whose
states are joined, so that spans and pairs are those of the whole.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from keci.errors import ConfigError, UsageError
from keci.text.sentences import SENTENCE, UNITS, split_sentences

OVERLAP_SHARE = 4
"""Neighbouring windows or rows share this part of their pieces, so that each has context."""

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


def text_units(text: str, *, unit: str, budget: WindowBudget) -> tuple[TextUnit, ...]:
    """The units of a document's text in its order, long ones as windows; none where it is empty.

    ``unit`` is ``sentence`` or ``document``; raises UsageError for another.
    """
    if unit not in UNITS:
        raise UsageError(f"unknown unit {unit!r}; known are {', '.join(UNITS)}")
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


@dataclass(frozen=True, slots=True)
class EncoderRow:
    """The tokens ``start:end`` are read, and ``own_start:own_end`` of them are kept."""

    start: int
    end: int
    own_start: int
    own_end: int


def encoder_rows(count: int, limit: int) -> Iterator[EncoderRow]:
    """Rows of at most ``limit`` tokens, evenly spaced; each of ``count`` tokens is kept once.

    A token is kept from the row that has more of its context. A text without tokens has a row.
    """
    if count <= limit:
        yield EncoderRow(0, count, 0, count)
        return
    overlap = limit // OVERLAP_SHARE
    num_rows = -(-(count - overlap) // (limit - overlap))
    starts = [row * (count - limit) // (num_rows - 1) for row in range(num_rows)]
    cuts = [(start + before + limit) // 2 for before, start in pairwise(starts)]
    for start, own_start, own_end in zip(starts, [0, *cuts], [*cuts, count], strict=True):
        yield EncoderRow(start, start + limit, own_start, own_end)
