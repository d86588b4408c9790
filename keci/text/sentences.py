"""Sentences as exact character spans, found by nupunkt (docs/decisions/sentence-splitting.md)."""

import functools
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nupunkt import PunktSentenceTokenizer

SENTENCE, DOCUMENT = UNITS = ("sentence", "document")
"""What a model reads at once: a sentence, or as much of a document as fits."""

BLOCK = 4096
"""Characters given to the splitter at once; some of its rules are quadratic in their input."""

LOOKAHEAD = 512
"""A boundary this close to the end of a block is decided again, with its right context whole."""

ABBREVIATIONS = (
    "b.i.d", "e.coli", "i.a", "i.c.v", "m.o.i", "mol.wt", "p.r.n", "q.i.d", "subsp", "t.i.d", "wt",
)  # fmt: skip
"""Abbreviations of biomedical prose that nupunkt's own list leaves out."""

_PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*\n\s*|\u2029\s*")
_PLAIN_LOWERCASE_WORD = re.compile(r"[a-z]{2,}(?=[\s,;]|\Z)")


def split_sentences(text: str) -> tuple[tuple[int, int], ...]:
    """Split a text into sentences: half-open spans in order, without surrounding white space.

    Every character that is not white space lies in exactly one span. A blank line always ends a
    sentence. Time is linear in the length of the text.
    """
    spans = []
    for start, end in _paragraphs(text):
        cuts = [start, *_boundaries(text, start, end), end]
        spans += [_trimmed(text, left, right) for left, right in pairwise(cuts)]
    return tuple((start, end) for start, end in spans if start < end)


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for gap in _PARAGRAPH_BREAK.finditer(text):
        yield start, gap.start()
        start = gap.end()
    yield start, len(text)


def _boundaries(text: str, start: int, end: int) -> Iterator[int]:
    """The offsets inside ``text[start:end]`` where a new sentence begins."""
    while start < end:
        stop = min(start + BLOCK, end)
        cuts = _block_boundaries(text[start:stop], start)
        if stop < end:
            cuts = [cut for cut in cuts if cut <= stop - LOOKAHEAD]
            stop = cuts[-1] if cuts else stop - LOOKAHEAD
        yield from (cut for cut in cuts if not _PLAIN_LOWERCASE_WORD.match(text, cut))
        start = stop


def _block_boundaries(block: str, offset: int) -> list[int]:
    spans = _splitter().span_tokenize(block)
    return [offset + start for start, _ in list(spans)[1:]]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())


@functools.cache
def _splitter() -> "PunktSentenceTokenizer":
    from nupunkt.models import load_default_model

    splitter = load_default_model()
    splitter.add_abbreviations(list(ABBREVIATIONS))
    return splitter
