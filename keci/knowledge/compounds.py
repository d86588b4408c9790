"""Words that join known concepts to larger mentions: heads, modifiers, species and signs.

A knowledge base knows ``Hox`` and ``lung``, texts speak of ``Hox proteins`` and ``acute lung
injury``. The rules here say which words may stand beside a known name in one mention.
"""

import re
from functools import lru_cache

MOLECULE_HEADS = frozenset(
    """
    protein gene mrna cdna rna dna premrna transcript promoter promotor enhancer operator domain
    receptor kinase subunit isoform homolog homologue ortholog family superfamily complex site motif
    element region factor channel peptide polypeptide fragment mutant homodimer heterodimer dimer
    trimer tetramer monomer oligomer repeat tail loop box sequence molecule antibody antigen fab
    substrate ligand inhibitor agonist antagonist probe fusion fusionprotein bindingprotein
    bindingsite bindingdomain bindingpeptide bindingsubunit bindingregion bindingmotif
    responseelement targetpromoter targetgene coatprotein cytoplasmicdomain kinasedomain tract
    locus allele plasmid vector virus particle cell fiber filament
    """.split()
)
"""Nouns, as keys, that name a part, a form or a kind of the molecule before them."""

DISORDER_HEADS = frozenset(
    """
    toxicity injury damage syndrome reaction lesion dysfunction impairment intoxication poisoning
    hypersensitivity infection disorder failure disease insufficiency suppression bleeding
    hemorrhage necrosis inflammation edema symptom abnormality complication sideeffect disturbance
    change infiltrate overdose overdosage opacity deposit thrombosis fibrosis neuropathy pain
    swelling eruption rash ulcer ulceration nodule tumor carcinoma cancer defect depression
    deterioration loss elevation attack crisis episode state detachment perforation rupture
    prolongation aplasia withdrawal resistance deficiency allergy neurotoxicity exacerbation
    """.split()
)
"""Nouns, as keys, that name an affection of what stands before them or by it."""

DISORDER_MODIFIERS = frozenset(
    """
    acute subacute chronic severe mild moderate fatal lethal massive diffuse focal multifocal local
    localized generalized disseminated bilateral unilateral recurrent recurring relapsing persistent
    transient reversible irreversible permanent progressive sudden spontaneous delayed prolonged
    early late neonatal fetal congenital acquired primary secondary symptomatic asymptomatic severely
    marked profound extensive multiple isolated partial complete total major minor serious
    threatening near refractory intractable resistant sustained intermittent paroxysmal reactive
    toxic allergic drug induced associated related mediated dependent dose steroid idiopathic
    autoimmune immune hemorrhagic ischemic cholestatic hepatic renal pulmonary cardiac cerebral
    cutaneous ocular retinal intracranial peripheral central systemic oral skin liver lung
    respiratory gastrointestinal vascular muscular neurologic neurological nonoliguric
    """.split()
)
"""Words, as keys, that may stand before the name of a disorder in one mention."""

_SPECIES_PREFIX = re.compile(r"(?:[dhmrxXyz]|Dm|Hs|Mm|Rn|Sc|Sp|Xl|At|Ce|Bm|Gg)(?=[A-Z][A-Za-z]*\d*)")
_PRECURSOR_PREFIX = re.compile(r"(?:pro|pre|anti|phospho)(?=\w{6})")
_YEAST_PROTEIN = re.compile(r"[A-Z][a-z]{2}\d+p")
SIGNS = frozenset("+*")
JOINTS = frozenset("/-‐‑–−")


@lru_cache(maxsize=1 << 17)
def prefix_length(word: str) -> int:
    """The length of a species' letter or of ``pro`` before a name: 1 in ``dSlo``; 0 if none."""
    match = _SPECIES_PREFIX.match(word) or _PRECURSOR_PREFIX.match(word)
    return match.end() if match and word.isascii() else 0


@lru_cache(maxsize=1 << 17)
def suffix_length(word: str) -> int:
    """The length of the letter that marks a protein of yeast: 1 in ``Cdc6p``; 0 if none."""
    return 1 if _YEAST_PROTEIN.fullmatch(word) else 0
