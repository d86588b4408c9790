"""The relations between concepts that KECI distinguishes, and what sources call them."""

from typing import NamedTuple


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
