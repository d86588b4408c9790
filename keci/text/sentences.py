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

_OF_PROSE = """
    al approx apr assoc aug avg biochem biol bp ca cf chem clin co coeff conc concn corp dec
    dept diff dr drs ed eds env environ eq eqn eqns eqs est et etc ex exp expt ext feb fig figs
    fr ft gen genet govt hist hosp hr hrs inc incl inh inst int intl jan jr jul jun lb lbs ln lt
    ltd max med min mo mol mr mrs ms mt natl neurol no nos nov nr obs oct oncol org oz para
    pharm pharmacol phys physiol pp prelim proc prof pt pts publ ref refs rel resp rev sci sec
    sep sept soc sp spec spp sq sr st subsp supp suppl surg temp tr trans univ unpubl var ver
    viz vol vols vs wk wks wt www yr yrs
"""
_OF_LETTERS = re.compile(r"[a-z](?:\.[a-z]{1,4})*")
"""What is kept of nupunkt's own list, initials too (``E.``, ``i.v.``). It was made of court
records: the rest are names, citations, misread words, and plain ones such as rash, chest, glaucoma
and cancer, behind which sentences do end."""

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
not seeing that a title, species or symbol is next (``rash. Dr. Smith``, ``rash. p53 was``), or an
acronym for an abbreviation."""

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

_ACRONYM_LAST = re.compile(r"\b(?!DR|PROF|FIGS?)[A-Z]{2,6}\Z")
"""``MS``, which is no ``Ms``."""

_LONGEST_LAST = 24

_PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*\n\s*|\u2029\s*")
_ITEM = re.compile(r"\s*(?:[-*\u2022]|\d{1,2}[.)](?=\s+[A-Z]))\s")
_NARROWEST = 60
"""Characters of the narrowest lines into which text is wrapped."""

_GOES_ON = re.compile(r"[,;:(/\u2010-\u2014-]\Z")
_PLAIN_LOWERCASE_WORD = re.compile(r"[a-z]{2,}(?=[\s,;]|\Z)")


def split_sentences(text: str) -> tuple[tuple[int, int], ...]:
    """Split a text into sentences: half-open spans in order, without surrounding white space.

    Every character that is not white space lies in exactly one span. A blank line always ends a
    sentence, a line break where no line was full (a title, an item of a list). Time is linear in
    the length of the text.
    """
    spans = []
    for start, end in _paragraphs(text):
        found = {
            *_boundaries(text, start, end),
            *_missed_boundaries(text, start, end),
            *_broken_lines(text, start, end),
        }
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
            "noun": _is_unit_acronym_or_letter,
            "word": _UNIT_LAST.search,
            "symbol": _WORD_LAST.search,
        }
        is_end = ends[found.lastgroup or "opener"]
        if is_end(before) and not _NEVER_LAST.search(before):
            yield found.end()


def _broken_lines(text: str, start: int, end: int) -> Iterator[int]:
    """The offsets of lines that begin on their own: a line before was not too full to go on."""
    lines = text[start:end].split("\n")
    width = max(_NARROWEST, max(len(line.rstrip()) for line in lines))
    for line, following in pairwise(lines):
        start += len(line) + 1
        if _ITEM.match(following) or _is_broken(line.rstrip(), following.lstrip(), width):
            yield start


def _is_broken(line: str, following: str, width: int) -> bool:
    """Whether the first word of what follows would have stood on the line, as wide as others."""
    word = following.split(maxsplit=1)[0] if following else ""
    has_room = len(line) + 1 + len(word) <= width
    begins = bool(word) and not _PLAIN_LOWERCASE_WORD.match(following)
    return has_room and begins and not _GOES_ON.search(line)


def _is_any_end(before: str) -> bool:
    """Whether a full stop can stand here: behind a letter, digit, bracket or quotation mark."""
    return before[-1:].isalnum() or before[-1:] in (")", "]", '"', "%")


def _is_unit_acronym_or_letter(before: str) -> bool:
    """Whether ``24 h``, ``MS`` or ``grade A`` ends here: a unit, acronym or letter of a noun."""
    return any(last.search(before) for last in (_UNIT_LAST, _ACRONYM_LAST, _LETTER_LAST))


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
    of_prose = frozenset(_OF_PROSE.split())
    for known in sorted(splitter.abbreviations):
        if known not in of_prose and not _OF_LETTERS.fullmatch(known):
            splitter.remove_abbreviation(known)
    splitter.add_abbreviations(list(ABBREVIATIONS))
    return splitter
