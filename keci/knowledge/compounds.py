"""Words that join known concepts to larger mentions: heads, modifiers and signs.

A knowledge base knows ``Hox`` and ``lung``, texts speak of ``Hox proteins`` and ``acute lung
injury``. The rules here say which words may stand beside a known name in one mention.
"""

from keci.knowledge.keyed_text import KeyedText
from keci.knowledge.ranking import Ranker

Spans = dict[tuple[int, int], tuple[int, ...]]
"""Candidates by the first and the last word of a mention."""

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

_MOLECULAR_GROUPS = frozenset({"chemicals", "genes", "anatomy"})
_AFFECTED_GROUPS = frozenset({"chemicals", "anatomy", "disorders", "physiology"})
_JOINABLE_GROUPS = frozenset({"chemicals", "genes", "disorders"})
SIGNS = frozenset("+*")
JOINTS = frozenset("/-‐‑–−")


def add_compounds(keyed: KeyedText, spans: Spans, ranker: Ranker) -> None:
    """Add the mentions that known names form with the words beside them."""
    _add_joined_names(keyed, spans, ranker)
    _add_heads(keyed, spans, ranker)
    _add_modifiers(keyed, spans, ranker)
    _add_signs(keyed, spans)


def _add_heads(keyed: KeyedText, spans: Spans, ranker: Ranker) -> None:
    """``Hox proteins``: the candidates of the head, if it has any, and of the name in turns."""
    for (first, last), concepts in list(spans.items()):
        for head_first, head_last, heads in _heads_after(keyed, last):
            if (first, head_last) in spans or not _takes(heads, ranker.groups(concepts[0])):
                continue
            own = spans.get((head_first, head_last), ())
            spans[first, head_last] = ranker.combine(own, concepts) if own else concepts


def _heads_after(keyed: KeyedText, last: int) -> list[tuple[int, int, frozenset[str]]]:
    """The heads of one or two words behind word ``last``, with the list that each comes from."""
    first = keyed.following(last)
    if first is None:
        return []
    key = keyed.keys[first]
    second = keyed.following(first)
    ends = [(first, key)]
    if second is not None:
        ends.append((second, key + keyed.keys[second]))
    return [
        (first, end, heads)
        for end, joined in ends
        for heads in (MOLECULE_HEADS, DISORDER_HEADS)
        if joined in heads or joined.removesuffix("s") in heads
    ]


def _takes(heads: frozenset[str], groups: frozenset[str]) -> bool:
    if heads is MOLECULE_HEADS:
        return not groups.isdisjoint(_MOLECULAR_GROUPS)
    return not groups.isdisjoint(_AFFECTED_GROUPS)


def _add_modifiers(keyed: KeyedText, spans: Spans, ranker: Ranker) -> None:
    """``acute lung injury``: the candidates of the disorder alone."""
    for (first, last), concepts in list(spans.items()):
        if "disorders" not in ranker.groups(concepts[0]) and not _ends_in_disorder(keyed, last):
            continue
        place = keyed.preceding(first)
        while place is not None and keyed.keys[place] in DISORDER_MODIFIERS:
            spans.setdefault((place, last), concepts)
            place = keyed.preceding(place)


def _ends_in_disorder(keyed: KeyedText, last: int) -> bool:
    key = keyed.keys[last]
    return key in DISORDER_HEADS or key.removesuffix("s") in DISORDER_HEADS


def _add_joined_names(keyed: KeyedText, spans: Spans, ranker: Ranker) -> None:
    """``p300/CBP``: the candidates of both names in turns."""
    longest_from: dict[int, int] = {}
    for first, last in spans:
        longest_from[first] = max(last, longest_from.get(first, last))
    for (first, last), concepts in list(spans.items()):
        if last + 2 >= len(keyed.words) or keyed.words[last + 1] not in JOINTS:
            continue
        other = longest_from.get(last + 2)
        if other is None or (first, other) in spans or keyed.following(last) != last + 2:
            continue
        parts = concepts, spans[last + 2, other]
        if all(not ranker.groups(part[0]).isdisjoint(_JOINABLE_GROUPS) for part in parts):
            spans[first, other] = ranker.combine(*parts)


def _add_signs(keyed: KeyedText, spans: Spans) -> None:
    """``NAD+``: a sign that touches the name."""
    for place, word in enumerate(keyed.words):
        if word in SIGNS and place and keyed.offsets[place - 1][1] == keyed.offsets[place][0]:
            for (first, last), concepts in list(spans.items()):
                if last == place - 1:
                    spans.setdefault((first, place), concepts)
