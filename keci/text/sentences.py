"""Sentences as exact character spans, found by nupunkt (docs/decisions/sentence-splitting.md)."""

import functools
import re
from collections.abc import Callable, Iterator
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

_MISSED = re.compile(
    r"\.\s++(?=(?P<opener>(?:After|All|Although|An|As|At|Because|Both|By|During|Each|Finally|For|From|"
    r"Furthermore|Here|However|If|In|It|Its|Moreover|On|Our|Since|She|Such|That|The|Their|Then|There|"
    r"Thereafter|Therefore|These|They|This|Those|Thus|To|Under|Using|We|When|Whereas|While|With)"
    r"(?:,\s|\s+[a-z0-9(])|(?:Indeed|Additionally|Collectively|Consistently|"
    r"Conversely|Importantly|Interestingly|Notably|Previously|Recently|Remarkably|Similarly|"
    r"Strikingly|Surprisingly),\s)"
    r"|(?P<name>(?:Drs?|Mrs?|Ms|Prof|[A-Z])\.\s+\w)"
    r"|(?P<noun>[A-Z][\w'-]{2,},?\s+(?!et al|and [A-Z])(?:[a-z(\d]|[A-Z]{2}|[A-Z]\w*\d))"
    r"|(?P<word>[A-Z][a-z]{2,},?\s)"
    r"|(?P<symbol>(?:[a-z]{1,3}-?[A-Z0-9][\w-]*|\d+-[A-Z][\w-]*)\s+[a-z]{2}))"
)
"""Where a sentence may begin that nupunkt joins to the one before, taking its end for a symbol or
an initial (``kappa B. The cells``, ``grade A. Patients were``), a unit (``24 h. Cells were``) or
not seeing that a title, species or symbol is next (``rash. Dr. Smith``, ``rash. p53 was``)."""

_NEVER_LAST = re.compile(
    r"\b(?:vs|[Cc]f|[Ee]\.g|[Ii]\.e|viz|[Ff]igs?|FIGS?|[Rr]efs?|[Ee]qs?|[Nn]os?|[Dd]rs?|Mrs?|Ms|"
    r"[Pp]rof|[Ss]t|[Aa]pprox|resp|incl|s?sp|spp|subsp|var|ca|al)\Z"
)  # fmt: skip
_WORD_LAST = re.compile(r"[a-z]{3}[)\]]?\Z")
_UNIT_LAST = re.compile(r"\d\s?(?:h|hr|d|min|s)\Z")
_LETTER_LAST = re.compile(
    r"(?:\b(?!(?:and|are|author|between|but|both|did|doctor|either|from|for|had|has|have|like|nor|"
    r"not|only|our|per|professor|see|species|strain|surgeon|than|that|the|their|then|this|under|via|"
    r"was|were|when|where|which|while|who|whom|with)\b|[a-z]{2,}(?:ed|ing)\b)[a-z]{3,16}"
    r"|\b[A-Z],?\s(?:and|or|to|versus))\s[A-Z]\Z"
)  # fmt: skip
"""A letter that belongs to a noun or to another letter before it, and is no initial: what stands
before names of people and species is no such noun."""

_LONGEST_LAST = 24

_PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*\n\s*|\u2029\s*")
_PLAIN_LOWERCASE_WORD = re.compile(r"[a-z]{2,}(?=[\s,;]|\Z)")


def split_sentences(text: str) -> tuple[tuple[int, int], ...]:
    """Split a text into sentences: half-open spans in order, without surrounding white space.

    Every character that is not white space lies in exactly one span. A blank line always ends a
    sentence. Time is linear in the length of the text.
    """
    spans = []
    for start, end in _paragraphs(text):
        found = {*_boundaries(text, start, end), *_missed_boundaries(text, start, end)}
        cuts = [start, *sorted(found), end]
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


def _missed_boundaries(text: str, start: int, end: int) -> Iterator[int]:
    """The offsets where a sentence begins after what nupunkt takes for no end of one."""
    for found in _MISSED.finditer(text, start, end):
        before = text[max(found.start() - _LONGEST_LAST, start) : found.start()]
        ends: dict[str, Callable[[str], object]] = {
            "opener": _is_any_end,
            "name": _WORD_LAST.search,
            "noun": _is_unit_or_letter,
            "word": _UNIT_LAST.search,
            "symbol": _WORD_LAST.search,
        }
        is_end = ends[found.lastgroup or "opener"]
        if is_end(before) and not _NEVER_LAST.search(before):
            yield found.end()


def _is_any_end(before: str) -> bool:
    """Whether a full stop can stand here: behind a letter, digit, bracket or quotation mark."""
    return before[-1:].isalnum() or before[-1:] in (")", "]", '"', "%")


def _is_unit_or_letter(before: str) -> bool:
    """Whether a unit, or a letter of a noun, ends here (``24 h``, ``grade A``)."""
    return bool(_UNIT_LAST.search(before) or _LETTER_LAST.search(before))


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
