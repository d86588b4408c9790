"""The semantic types of UMLS that open sources use: code and name."""

from collections.abc import Iterable
from typing import NamedTuple

TYPE_NAMES = {
    "T001": "Organism",
    "T002": "Plant",
    "T004": "Fungus",
    "T005": "Virus",
    "T007": "Bacterium",
    "T008": "Animal",
    "T010": "Vertebrate",
    "T011": "Amphibian",
    "T012": "Bird",
    "T013": "Fish",
    "T014": "Reptile",
    "T015": "Mammal",
    "T016": "Human",
    "T017": "Anatomical Structure",
    "T018": "Embryonic Structure",
    "T019": "Congenital Abnormality",
    "T022": "Body System",
    "T023": "Body Part, Organ, or Organ Component",
    "T024": "Tissue",
    "T025": "Cell",
    "T026": "Cell Component",
    "T028": "Gene or Genome",
    "T029": "Body Location or Region",
    "T031": "Body Substance",
    "T032": "Organism Attribute",
    "T033": "Finding",
    "T034": "Laboratory or Test Result",
    "T037": "Injury or Poisoning",
    "T038": "Biologic Function",
    "T039": "Physiologic Function",
    "T041": "Mental Process",
    "T042": "Organ or Tissue Function",
    "T043": "Cell Function",
    "T044": "Molecular Function",
    "T045": "Genetic Function",
    "T046": "Pathologic Function",
    "T047": "Disease or Syndrome",
    "T048": "Mental or Behavioral Dysfunction",
    "T049": "Cell or Molecular Dysfunction",
    "T054": "Social Behavior",
    "T055": "Individual Behavior",
    "T059": "Laboratory Procedure",
    "T060": "Diagnostic Procedure",
    "T061": "Therapeutic or Preventive Procedure",
    "T062": "Research Activity",
    "T063": "Molecular Biology Research Technique",
    "T067": "Phenomenon or Process",
    "T070": "Natural Phenomenon or Process",
    "T073": "Manufactured Object",
    "T074": "Medical Device",
    "T080": "Qualitative Concept",
    "T081": "Quantitative Concept",
    "T085": "Molecular Sequence",
    "T086": "Nucleotide Sequence",
    "T087": "Amino Acid Sequence",
    "T096": "Group",
    "T098": "Population Group",
    "T101": "Patient or Disabled Group",
    "T103": "Chemical",
    "T104": "Chemical Viewed Structurally",
    "T109": "Organic Chemical",
    "T114": "Nucleic Acid, Nucleoside, or Nucleotide",
    "T116": "Amino Acid, Peptide, or Protein",
    "T120": "Chemical Viewed Functionally",
    "T121": "Pharmacologic Substance",
    "T122": "Biomedical or Dental Material",
    "T123": "Biologically Active Substance",
    "T125": "Hormone",
    "T126": "Enzyme",
    "T127": "Vitamin",
    "T129": "Immunologic Factor",
    "T130": "Indicator, Reagent, or Diagnostic Aid",
    "T131": "Hazardous or Poisonous Substance",
    "T167": "Substance",
    "T168": "Food",
    "T184": "Sign or Symptom",
    "T190": "Anatomical Abnormality",
    "T191": "Neoplastic Process",
    "T192": "Receptor",
    "T194": "Archaeon",
    "T195": "Antibiotic",
    "T196": "Element, Ion, or Isotope",
    "T197": "Inorganic Chemical",
    "T201": "Clinical Attribute",
    "T204": "Eukaryote",
}

SEMANTIC_GROUPS = {
    "anatomy": "T017 T018 T022 T023 T024 T025 T026 T029 T031",
    "chemicals": (
        "T103 T104 T109 T114 T116 T120 T121 T122 T123 T125 T126 T127 T129 T130 T131 T167 T168 T192"
        " T195 T196 T197"
    ),
    "disorders": "T019 T033 T034 T037 T046 T047 T048 T049 T184 T190 T191",
    "genes": "T028 T085 T086 T087",
    "living beings": (
        "T001 T002 T004 T005 T007 T008 T010 T011 T012 T013 T014 T015 T016 T096 T098 T101 T194 T204"
    ),
    "physiology": "T032 T038 T039 T040 T041 T042 T043 T044 T045 T201",
}
"""Types close enough that equal names of theirs mean the same thing, after UMLS's groups."""

GENE = "T028"

GROUP_OF_TYPE = {code: group for group, codes in SEMANTIC_GROUPS.items() for code in codes.split()}

_GENERAL_CHEMICALS = frozenset({"T103", "T104"})


def specific_types(codes: Iterable[str]) -> tuple[str, ...]:
    """Distinct type codes, sorted, without those that a more specific one of them makes idle.

    A chemical of known structure or function is no mere T103 or T104, a protein no T109.
    """
    kept = set(codes)
    if "T116" in kept:
        kept.discard("T109")
    specific = {code for code in kept if GROUP_OF_TYPE.get(code) == "chemicals"}
    if not specific <= _GENERAL_CHEMICALS:
        kept -= _GENERAL_CHEMICALS
    return tuple(sorted(kept))


class CanonicalRelation(NamedTuple):
    """A relation's name here; ``inverted`` where the source states it from tail to head."""

    name: str
    inverted: bool = False


_BY_SOURCE_NAME = {
    "is_a": CanonicalRelation("isa"),
    "isa": CanonicalRelation("isa"),
    "inverse_is_a": CanonicalRelation("isa", True),
    "part_of": CanonicalRelation("part_of"),
    "partof": CanonicalRelation("part_of"),
    "has_part": CanonicalRelation("part_of", True),
    "BFO:0000050": CanonicalRelation("part_of"),
    "BFO:0000051": CanonicalRelation("part_of", True),
    "regulates": CanonicalRelation("regulates"),
    "positively_regulates": CanonicalRelation("positively_regulates"),
    "negatively_regulates": CanonicalRelation("negatively_regulates"),
    "occurs_in": CanonicalRelation("occurs_in"),
    "happens_during": CanonicalRelation("occurs_in"),
    "has_role": CanonicalRelation("has_role"),
    "has_functional_parent": CanonicalRelation("derivative_of"),
    "has_parent_hydride": CanonicalRelation("derivative_of"),
    "is_substituent_group_from": CanonicalRelation("derivative_of"),
    "derives_from": CanonicalRelation("derivative_of"),
    "develops_from": CanonicalRelation("developmental_form_of"),
    "is_conjugate_base_of": CanonicalRelation("conjugate_base_of"),
    "is_conjugate_acid_of": CanonicalRelation("conjugate_base_of", True),
    "is_enantiomer_of": CanonicalRelation("enantiomer_of"),
    "is_tautomer_of": CanonicalRelation("tautomer_of"),
    "has_characteristic": CanonicalRelation("has_characteristic"),
    "disease_has_feature": CanonicalRelation("manifestation_of", True),
    "disease_has_major_feature": CanonicalRelation("manifestation_of", True),
    "disease_shares_features_of": CanonicalRelation("related_to"),
    "disease_causes_feature": CanonicalRelation("causes"),
    "disease_arises_from_feature": CanonicalRelation("causes", True),
    "predisposes_towards": CanonicalRelation("predisposes_to"),
    "mapped_to": CanonicalRelation("mapped_to"),
    "orthologous_to": CanonicalRelation("orthologous_to"),
}


def canonical_relation(source_name: str) -> CanonicalRelation | None:
    """What a source's relation is here, None where it says nothing that KECI keeps."""
    return _BY_SOURCE_NAME.get(source_name)
