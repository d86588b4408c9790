import pytest

from keci.documents import ConceptLink
from keci.knowledge.species import HUMAN, species_of_gene, species_of_text


@pytest.mark.parametrize(
    ("text", "species"),
    [
        ("", HUMAN),
        ("Abc1 rose.", HUMAN),
        ("Patients with a mutation of ABC1, most of them women, had a mouse-like face.", HUMAN),
        ("Abc1 rose. Mice were fed. The mice slept, and so did the murine pups.", "mouse"),
        ("Abc1 of rats.\nTwo patients and a man were seen too.", "rat"),
        ("Abc1 of rats and of people.\nTwo patients and a man were seen too.", HUMAN),
        ("Abc1 rose. Cell lines grew in mice. The mice slept.", HUMAN),
        ("Abc1 rose. Cell lines grew in mice. The mice slept, most mice at least.", "mouse"),
        ("Abc1 of C. elegans.", "Caenorhabditis elegans"),
        ("Rates of Abc1, and mousetraps.", HUMAN),
        ("Abc1 rose. Guinea pigs slept. The guinea pigs were fed.", HUMAN),
        ("Abc1 rose. Cells had 10% fetal bovine serum.", HUMAN),
        ("Abc1 rose. A mouse monoclonal antibody and a rabbit anti-DEF were used.", HUMAN),
        ("Abc1 rose. A porcine islet was seen.", HUMAN),
        ("Abc1 rose. A porcine islet was seen. The pigs slept.", "Sus scrofa"),
        ("Abc1 rose. A mouse slept.", "mouse"),
    ],
)
def test_the_species_is_the_animal_that_is_named_as_often_as_people(
    text: str, species: str
) -> None:
    assert species_of_text(text) == species


@pytest.mark.parametrize(
    ("concept", "species"),
    [
        (ConceptLink("HGNC:1", "ABC1", (), 0.5), HUMAN),
        (ConceptLink("UMLS:C1", "ABC1 gene", (), 0.5, ("HGNC:1",)), HUMAN),
        (ConceptLink("RGD:1", "Abc1", (), 0.5), "rat"),
        (ConceptLink("UNIPROT:P1", "ABC1 (Danio rerio)", (), 0.5), "Danio rerio"),
        (ConceptLink("MESH:C1", "abc-1 protein, C elegans", (), 0.5), "Caenorhabditis elegans"),
        (ConceptLink("MESH:C2", "ABC protein, mouse", (), 0.5), "mouse"),
        (ConceptLink("MESH:D1", "Abc Proteins", (), 0.5), None),
        (ConceptLink("FPLX:ABC", "ABC", (), 0.5), None),
    ],
)
def test_a_gene_is_of_the_species_that_its_id_or_name_tells(
    concept: ConceptLink, species: str | None
) -> None:
    assert species_of_gene(concept) == species
