"""Letters that authors put before or behind a gene's name: ``dSlo``, ``Cdc6p``."""

import re

_SPECIES_PREFIX = re.compile(
    r"(?:[dhmrxXyz]|Dm|Hs|Mm|Rn|Sc|Sp|Xl|At|Ce|Bm|Gg)(?=[A-Z][A-Za-z]*\d*)"
)
_PRECURSOR_PREFIX = re.compile(r"(?:pro|pre|anti|phospho)(?=\w{6})")
_YEAST_PROTEIN = re.compile(r"[A-Z][a-z]{2}\d+p")


def prefix_length(word: str) -> int:
    """The length of a species' letter or of ``pro`` before a name: 1 in ``dSlo``; 0 if none."""
    match = _SPECIES_PREFIX.match(word) or _PRECURSOR_PREFIX.match(word)
    return match.end() if match and word.isascii() else 0


def suffix_length(word: str) -> int:
    """The length of the letter that marks a protein of yeast: 1 in ``Cdc6p``; 0 if none."""
    return 1 if _YEAST_PROTEIN.fullmatch(word) else 0
