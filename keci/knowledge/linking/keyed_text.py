"""A text as the linker reads it: its words, their keys, and all keys in one string."""

import re
from bisect import bisect_left
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from keci.cache import LONGEST_KEY, Cache
from keci.knowledge.linking.normalise import is_possessive, plural_endings, word_key
from keci.text.words import word_pattern


def _keys(text: str) -> frozenset[str]:
    return frozenset(text.split())


MOLECULE_HEADS = _keys(
    """
    protein gene mrna cdna rna dna premrna transcript promoter promotor enhancer operator domain
    receptor kinase subunit isoform homolog homologue ortholog family superfamily complex site
    motif element region factor channel peptide polypeptide fragment mutant homodimer
    heterodimer dimer trimer tetramer monomer oligomer repeat tail loop box sequence molecule
    antibody antigen fab substrate ligand inhibitor agonist antagonist probe fusion
    fusionprotein bindingprotein bindingsite bindingdomain bindingpeptide bindingsubunit
    bindingregion bindingmotif responseelement targetpromoter targetgene coatprotein
    cytoplasmicdomain kinasedomain tract locus allele plasmid vector virus particle cell fiber
    filament
    """
)
"""Nouns, as keys, that name a part, a form or a kind of the molecule before them."""

DISORDER_HEADS = _keys(
    """
    toxicity injury damage syndrome reaction lesion dysfunction impairment intoxication
    poisoning hypersensitivity infection disorder failure disease insufficiency suppression
    bleeding hemorrhage necrosis inflammation edema symptom abnormality complication sideeffect
    disturbance change infiltrate overdose overdosage opacity deposit thrombosis fibrosis
    neuropathy pain swelling eruption rash ulcer ulceration nodule tumor carcinoma cancer defect
    depression deterioration loss elevation attack crisis episode state detachment perforation
    rupture prolongation aplasia withdrawal resistance deficiency allergy neurotoxicity
    exacerbation
    """
)
"""Nouns, as keys, that name an affection of what stands before them or by it."""

DISORDER_MODIFIERS = _keys(
    """
    acute subacute chronic severe mild moderate fatal lethal massive diffuse focal multifocal
    local localized generalized disseminated bilateral unilateral recurrent recurring relapsing
    persistent transient reversible irreversible permanent progressive sudden spontaneous
    delayed prolonged early late neonatal fetal congenital acquired primary secondary
    symptomatic asymptomatic severely marked profound extensive multiple isolated partial
    complete total major minor serious threatening near refractory intractable resistant
    sustained intermittent paroxysmal reactive toxic allergic drug induced associated related
    mediated dependent dose steroid idiopathic autoimmune immune hemorrhagic ischemic
    cholestatic hepatic renal pulmonary cardiac cerebral cutaneous ocular retinal intracranial
    peripheral central systemic oral skin liver lung respiratory gastrointestinal vascular
    muscular neurologic neurological nonoliguric
    """
)
"""Words, as keys, that may stand before the name of a disorder in one mention."""

HEAD_GROUPS = dict.fromkeys(
    DISORDER_HEADS, frozenset({"chemicals", "anatomy", "disorders", "physiology"})
) | dict.fromkeys(MOLECULE_HEADS, frozenset({"chemicals", "genes", "anatomy"}))
"""The groups of semantic types that each head goes with."""
_SECOND_WORDS = ("protein", "site", "domain", "peptide", "subunit", "region", "motif", "element")
_HEAD_WORDS = frozenset(
    form
    for head in (*HEAD_GROUPS, *_SECOND_WORDS, "promoter", "gene", "effect", "mrna")
    for form in (head, head + "s")
)
_JOINTS = frozenset("/-‐‑–−")
_SIGNS = frozenset("+*")


class Role(IntEnum):
    """What a word does in a compound mention; most words do nothing."""

    NONE = 0
    JOINT = 1
    SIGN = 2
    HEAD = 3
    MODIFIER = 4
    HEAD_AND_MODIFIER = 5


def word_role(word: str, key: str) -> Role:
    """The role of a word, given its key."""
    if not key:
        return Role.JOINT if word in _JOINTS else Role.SIGN if word in _SIGNS else Role.NONE
    if key in DISORDER_MODIFIERS:
        return Role.HEAD_AND_MODIFIER if key in _HEAD_WORDS else Role.MODIFIER
    return Role.HEAD if key in _HEAD_WORDS else Role.NONE


_BARRIER = "\n"
_BRIDGES = "-‐‑–−/'’"
"""Signs that names may have with white space around, as in tokenised text (``IFN - alpha``)."""


WordForms = tuple[str, tuple[int, ...], int, Role]
"""The key of a word, the lengths of endings and of a prefix that it may lose, and its role."""


@dataclass(frozen=True, slots=True)
class KeyedText:
    """Words with their first character and their key; ``joined`` has the keys end to end.

    ``key_starts`` says where in ``joined`` a word's key begins (-1 if it has none), ``key_ends``
    which word ends at an offset; a plural also ends before its ending. A barrier stands in
    ``joined`` where punctuation and white space part two words, for no name goes across it.
    ``prefixed`` are the words that may lose letters before a name, with their number (affixes.py),
    ``roles`` the words that have one beside a name (roles.py).
    """

    text: str
    starts: list[int]
    words: list[str]
    keys: list[str]
    joined: str
    key_starts: list[int]
    key_ends: dict[int, int]
    prefixed: list[tuple[int, int]]
    roles: list[tuple[int, Role]]

    @classmethod
    def of(cls, text: str) -> "KeyedText":
        words: list[str] = word_pattern(text).findall(text)
        starts: list[int] = []
        keys: list[str] = []
        pieces: list[str] = []
        key_starts: list[int] = []
        key_ends: dict[int, int] = {}
        prefixed: list[tuple[int, int]] = []
        roles: list[tuple[int, Role]] = []
        position = last_end = word_end = 0
        known = _KNOWN_FORMS.get
        for index, word in enumerate(words):
            start = text.find(word, word_end)
            word_end = start + len(word)
            starts.append(start)
            key, endings, prefix, role = known(word) or word_forms(word)
            if prefix:
                prefixed.append((index, prefix))
            if role:
                roles.append((index, role))
            if not key or (key == "s" and is_possessive(words, index)):
                keys.append("")
                key_starts.append(-1)
                continue
            if start - last_end > 1 and is_barrier(text[last_end:start]):
                pieces.append(_BARRIER)
                position += 1
            keys.append(key)
            pieces.append(key)
            key_starts.append(position)
            position += len(key)
            key_ends[position] = index
            if endings:
                for ending in endings:
                    key_ends[position - ending] = index
            last_end = word_end
        joined = "".join(pieces)
        return cls(text, starts, words, keys, joined, key_starts, key_ends, prefixed, roles)

    def end(self, index: int) -> int:
        """The character offset behind word ``index``."""
        return self.starts[index] + len(self.words[index])

    def starting(self, offset: int) -> int:
        """The word that begins at a character offset, -1 if none does."""
        index = bisect_left(self.starts, offset)
        return index if index < len(self.starts) and self.starts[index] == offset else -1

    def ending(self, offset: int) -> int:
        """The word that ends at a character offset, -1 if none does."""
        index = bisect_left(self.starts, offset) - 1
        return index if index >= 0 and self.end(index) == offset else -1

    def following(self, index: int) -> int | None:
        """The next word with a key, None where a barrier or the end of the text comes first."""
        key_end = self.key_starts[index] + len(self.keys[index])
        for other in range(index + 1, min(index + 4, len(self.keys))):
            if self.keys[other]:
                return other if self.key_starts[other] == key_end else None
        return None

    def preceding(self, index: int) -> int | None:
        """The last word with a key before ``index``, None where a barrier or the start is."""
        for other in range(index - 1, max(index - 4, -1), -1):
            if self.keys[other]:
                key_end = self.key_starts[other] + len(self.keys[other])
                return other if key_end == self.key_starts[index] else None
        return None


def word_forms(word: str) -> WordForms:
    """All that is said about a word whatever text it stands in."""
    known = _KNOWN_FORMS.get(word)
    if known is not None:
        return known
    endings, suffix, key = plural_endings(word), suffix_length(word), word_key(word)
    all_endings = (*endings, suffix) if suffix else endings
    forms = key, all_endings, prefix_length(word), word_role(word, key)
    return _KNOWN_FORMS.put(word, forms)


_KNOWN_FORMS = Cache[str, WordForms]()


def is_barrier(gap: str) -> bool:
    """Whether white space and a sign other than a bridge lie between two words."""
    return _known_barrier(gap) if len(gap) <= LONGEST_KEY else _is_barrier(gap)


def _is_barrier(gap: str) -> bool:
    signs = "".join(gap.split())
    return len(signs) < len(gap) and bool(signs.strip(_BRIDGES)) and signs[1:] != "s"


_known_barrier = lru_cache(maxsize=1 << 12)(_is_barrier)


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
