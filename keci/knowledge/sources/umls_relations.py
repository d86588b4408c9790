"""What the relations of a UMLS release are called here.

A row of MRREL says what its second concept is to its first: ``C1 CHD C2 isa`` means that C2 is a
C1. Every relation stands in the file in both directions; both give the same triple. Names are
those of the Semantic Network where it has the relation, so that there are few.
"""

from keci.knowledge.base.vocabulary import CanonicalRelation

_PAIRS = """
isa: isa | inverse_isa
isa: subtype_of | has_subtype
part_of: part_of | has_part
part_of: component_of | has_component
part_of: member_of | has_member
part_of: anatomic_structure_is_physical_part_of | has_physical_part_of_anatomic_structure
part_of: constitutional_part_of | has_constitutional_part
part_of: regional_part_of | has_regional_part
part_of: systemic_part_of | has_systemic_part
branch_of: branch_of | has_branch
tributary_of: tributary_of | has_tributary
ingredient_of: ingredient_of | has_ingredient
ingredient_of: active_ingredient_of | has_active_ingredient
ingredient_of: precise_active_ingredient_of | has_precise_active_ingredient
ingredient_of: precise_ingredient_of | has_precise_ingredient
ingredient_of: basis_of_strength_substance_of | has_basis_of_strength_substance
derivative_of: form_of | has_form
derivative_of: tradename_of | has_tradename
derivative_of: derived_from | has_derivative
derivative_of: metabolite_of | has_metabolite
treats: may_treat | may_be_treated_by
treats: treats | treated_by
prevents: may_prevent | may_be_prevented_by
diagnoses: may_diagnose | may_be_diagnosed_by
diagnoses: diagnoses | diagnosed_by
complicates: contraindicated_with_disease | has_contraindicated_drug
causes: causative_agent_of | has_causative_agent
causes: induces | induced_by
causes: cause_of | due_to
causes: causes | caused_by
manifestation_of: manifestation_of | has_manifestation
manifestation_of: is_finding_of_disease | disease_has_finding
manifestation_of: definitional_manifestation_of | has_definitional_manifestation
location_of: location_of | has_location
location_of: finding_site_of | has_finding_site
location_of: procedure_site_of | has_procedure_site
location_of: direct_procedure_site_of | has_direct_procedure_site
location_of: is_primary_anatomic_site_of_disease | disease_has_primary_anatomic_site
location_of: is_associated_anatomic_site_of | disease_has_associated_anatomic_site
location_of: is_location_of_anatomic_structure | anatomic_structure_has_location
location_of: site_of_metabolism | has_site_of_metabolism
process_of: process_of | has_process
occurs_in: occurs_in | has_occurrence
result_of: result_of | has_result
manifestation_of: associated_morphology_of | has_associated_morphology
affects: affects | affected_by
affects: has_mechanism_of_action | mechanism_of_action_of
affects: has_physiologic_effect | physiologic_effect_of
affects: chemical_or_drug_affects_gene_product | gene_product_affected_by_chemical_or_drug
affects: regulates | regulated_by
affects: positively_regulates | positively_regulated_by
affects: negatively_regulates | negatively_regulated_by
produces: gene_encodes_gene_product | gene_product_encoded_by_gene
produces: produces | produced_by
carries_out: gene_product_plays_role_in_biological_process | carried_out_by
carries_out: gene_plays_role_in_process | process_involves_gene
associated_with: associated_with | inverse_associated_with
associated_with: gene_associated_with_disease | disease_has_associated_gene
associated_with: associated_finding_of | has_associated_finding
associated_with: clinically_associated_with | clinically_associated_with
associated_with: gene_mapped_to_disease | disease_mapped_to_gene
co-occurs_with: co-occurs_with | co-occurs_with
interacts_with: interacts_with | interacts_with
interacts_with: has_target | target_of
method_of: method_of | has_method
measures: measures | measured_by
precedes: precedes | follows
uses: uses | used_by
uses: has_direct_substance | direct_substance_of
evaluation_of: evaluation_of | has_evaluation
evaluation_of: interprets | is_interpreted_by
has_role: has_role | role_of
mapped_to: mapped_to | mapped_from
mapped_to: primary_mapped_to | primary_mapped_from
mapped_to: classified_as | classifies
"""


_ONE_WAY = {"biological_process_involves_gene_product": CanonicalRelation("carries_out", True)}


def _table() -> dict[str, CanonicalRelation]:
    table = dict(_ONE_WAY)
    for line in _PAIRS.strip().splitlines():
        name, forms = line.split(": ")
        forward, backward = forms.split(" | ")
        table.setdefault(forward, CanonicalRelation(name))
        table.setdefault(backward, CanonicalRelation(name, inverted=True))
    return table


_BY_RELA = _table()
_BY_REL = {
    "CHD": CanonicalRelation("narrower_than"),
    "RN": CanonicalRelation("narrower_than"),
    "PAR": CanonicalRelation("narrower_than", inverted=True),
    "RB": CanonicalRelation("narrower_than", inverted=True),
    "RL": CanonicalRelation("similar_to"),
    "RO": CanonicalRelation("related_to"),
    "RQ": CanonicalRelation("related_to"),
}
RELATION_NAMES = tuple(
    sorted({relation.name for table in (_BY_RELA, _BY_REL) for relation in table.values()})
)


def umls_relation(rel: str, rela: str) -> CanonicalRelation | None:
    """What the second concept of a row is to the first; None for siblings, synonyms and the like.

    RELA counts where it is known, else REL.
    """
    if rel not in _BY_REL:
        return None
    return _BY_RELA.get(rela) or _BY_REL[rel]
