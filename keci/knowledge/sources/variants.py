"""Names that follow from names: how authors shorten and turn round what a source writes in full."""

import re
from collections.abc import Iterable, Iterator

from keci.knowledge.tables import is_acronym

_GREEK = "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|sigma"
_WITH_KIND = re.compile(
    r"([\w-]+) (?:proteins?|genes?|domains?|motifs?|repeats?|box(?:es)?|sequences?)", re.IGNORECASE
)
_WITH_GREEK = re.compile(rf"([\w-]+) ({_GREEK})((?: \d+)?)")
_NUMBERED = re.compile(rf"(.{{5,}}?)(?:[ -](?:\d+[A-Za-z]?|[A-Z]|{_GREEK}))+")


def bare_symbols(names: Iterable[str]) -> Iterator[str]:
    """``PDZ`` of ``PDZ Domains``: what stands before a kind, if it is written like a symbol."""
    for name in names:
        match = _WITH_KIND.fullmatch(name)
        if match and (is_acronym(match[1]) or any(sign.isdigit() for sign in match[1])):
            yield match[1]


def turned_greek(name: str) -> Iterator[str]:
    """``alpha-actinin 1`` and ``alpha-actinin`` of ``actinin alpha 1``."""
    match = _WITH_GREEK.fullmatch(name)
    if match:
        yield f"{match[2]}-{match[1]}{match[3]}"
        if match[3]:
            yield f"{match[2]}-{match[1]}"


def unnumbered(name: str) -> Iterator[str]:
    """``caldesmon`` of ``caldesmon 1``: a family's name of a member's."""
    match = _NUMBERED.fullmatch(name)
    if match:
        yield match[1]
