"""One normal form for the names of concepts and for the words of a text.

Case, Unicode form, accents, hyphens, punctuation and white space fall away, British spellings
become American ones, Greek letters become their names, a possessive 's and a leading determiner
are dropped; so ``TNF-α``, ``TNFα`` and ``TNF alpha`` share the key ``tnfalpha``. Plurals are kept
in the key and answered by ``plural_endings``: both forms of a name are indexed, and both forms of a
text are looked up.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from keci.cache import LONGEST_KEY
from keci.text.words import word_pattern

DETERMINERS = frozenset({"a", "an", "the", "this", "that", "these", "those"})
_APOSTROPHES = frozenset("'’ʼ`´")
_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta",
    "η": "eta", "θ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu",
    "ξ": "xi", "ο": "omicron", "π": "pi", "ρ": "rho", "σ": "sigma", "ς": "sigma", "τ": "tau",
    "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
}  # fmt: skip
GREEK_LETTERS = frozenset(_GREEK.values())
_UNCHANGED_ENDINGS = ("ss", "us", "is", "as", "os")
_AMERICAN = {
    "aem": "em", "anaesth": "anesth", "aetiol": "etiol", "caec": "cec", "foet": "fet",
    "gynaec": "gynec", "leucop": "leukop", "oedem": "edem", "oesoph": "esoph", "oestr": "estr",
    "paed": "ped", "rrhoea": "rrhea", "sulph": "sulf", "tumour": "tumor",
}  # fmt: skip
_SYLLABIC_PLURALS = ("xes", "ches", "shes", "sses", "uses")
_BRITISH = re.compile("|".join(_AMERICAN))


def word_key(word: str) -> str:
    """The normal form of one word; empty for a sign of punctuation."""
    return _known_key(word) if len(word) <= LONGEST_KEY else _word_key(word)


def _word_key(word: str) -> str:
    if word.isascii() and word.isalnum():
        key = word.lower()
    else:
        folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
        key = "".join(_GREEK.get(sign, sign) for sign in folded if sign.isalnum())
    if len(key) < 5:
        return key
    key = _BRITISH.sub(lambda match: _AMERICAN[match[0]], key)
    return key[:-3] + "y" if key.endswith("ies") else key


_known_key = lru_cache(maxsize=1 << 18)(_word_key)


def plural_endings(word: str) -> tuple[int, ...]:
    """How many last characters of the word's key may be a plural ending, none if it is singular."""
    key = word_key(word)
    if len(key) < 3 or word[-1] != "s" or key[-1] != "s":
        return ()
    if word[-2].isupper() or word[-2].isdigit():
        return (1,)
    if len(key) < 4 or key.endswith(_UNCHANGED_ENDINGS):
        return ()
    return (1, 2) if key.endswith(_SYLLABIC_PLURALS) else (1,)


def name_keys(name: str) -> tuple[str, ...]:
    """The keys under which a concept's name is indexed: as written, then in the singular."""
    words = word_pattern(name).findall(name)
    keys = list(map(word_key, words))
    if "s" in keys:
        keys = ["" if is_possessive(words, index) else key for index, key in enumerate(keys)]
    is_apart = len(words) > 1 and words[1][:1].isalnum()
    if is_apart and words[0].lower() in DETERMINERS and words[0] != "A":
        words, keys = words[1:], keys[1:]
    key = "".join(keys)
    last = next((word for word, part in zip(words[::-1], keys[::-1], strict=True) if part), "")
    if not last or key.isdecimal():
        return ()
    return (key, *(key[:-ending] for ending in plural_endings(last)))


def normalise(name: str) -> str:
    """The key of ``name`` as written; empty where nothing of it is a letter or a digit."""
    keys = name_keys(name)
    return keys[0] if keys else ""


def is_possessive(words: Sequence[str], index: int) -> bool:
    """Whether a word is the s behind an apostrophe; in ``2'S`` too, where it does no harm."""
    return index >= 2 and words[index] in {"s", "S"} and words[index - 1] in _APOSTROPHES


_FUNCTION_WORDS = """
a about above across after again against all almost alone along already also although always am
among an and another any anyone anything are around as at away back be became because become
been before behind being below between both but by can cannot could did do does doing done down
due during each either else enough even ever every few first for from further furthermore gave get
give given gives go had has have having he hence her here hers him his how however i if in indeed
instead into is it its itself just last later least less let like likely made mainly make makes
many may me mean might mine more moreover most mostly much must my near nearly neither never
nevertheless next no nor not nothing now of off often on once one only onto or other others our
out over own part per perhaps put quite rather really same second see seem seems seen several
she should show showed shown shows since so some still such take taken than that the their them
then there thereby therefore these they third this those though through throughout thus to
together too toward towards two three four five six seven eight nine ten under until up upon us
use used uses using usually various very via was we well were what when where whereas whether
which while who whom whose why will with within without would yet you your
et al eg ie vs etc ii iii iv ca cf
"""
_UNITS = """
mg kg ml mm cm nm km ng pg mol mmol nmol mmhg hz khz mhz kda kb bp min hr hrs sec bid tid qd iu
"""

STOP_WORDS = frozenset(
    form for word in f"{_FUNCTION_WORDS} {_UNITS}".split() for form in (word, word.capitalize())
) - {"A", "I", "Ca"}
"""As written in running text: in lower case or at the beginning of a sentence."""
