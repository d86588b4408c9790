"""The part that a word can play beside a known name: joint, sign, head or modifier."""

from enum import IntEnum


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
