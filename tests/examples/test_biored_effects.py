"""Marks of drugs and effects decide what a model of BioRED is told of them, and of nothing else."""

from examples.biored_effects import CAUSES, CHEMICAL, DISORDER, corrected
from keci.documents import Assertion, Extraction, Mention, Relation

TEXT = "Abc caused a severe rash but no fever in TP53 carriers."
MARKED = Extraction(
    "t",
    TEXT,
    (Mention("T1", 0, 3, "Abc", "Drug"), Mention("T2", 13, 24, "severe rash", "Adverse-Effect")),
    (Relation("R1", "T2", "T1", "Adverse-Effect"),),
)
ABC = Mention("T1", 0, 3, "Abc", CHEMICAL, 0.9)
RASH = Mention("T2", 20, 24, "rash", DISORDER, 0.9)
FEVER = Mention("T3", 32, 37, "fever", DISORDER, 0.8)
GENE = Mention("T4", 41, 45, "TP53", "GeneOrGeneProduct", 0.9)


def found(mentions: tuple[Mention, ...], *relations: Relation) -> Extraction:
    return Extraction("0", TEXT, mentions, relations)


def related(head: Mention, tail: Mention, kind: str, assertion: Assertion = "present") -> Relation:
    return Relation(f"R{head.id}{tail.id}", head.id, tail.id, kind, 0.7, assertion)


def told(extraction: Extraction) -> set[tuple[str, ...]]:
    texts = {mention.id: mention.text for mention in extraction.mentions}
    return {
        (*sorted((texts[item.head], texts[item.tail])), item.type) for item in extraction.relations
    }


def test_a_marked_pair_joins_what_was_found_there_and_others_are_none() -> None:
    reading = found((ABC, RASH, FEVER, GENE), related(ABC, FEVER, CAUSES))
    result = corrected(reading, MARKED)
    assert (result.id, result.text) == ("t", TEXT)
    assert [mention.text for mention in result.mentions] == ["Abc", "rash", "fever", "TP53"]
    assert told(result) == {("Abc", "rash", CAUSES)}


def test_what_was_not_found_is_a_mention_more() -> None:
    result = corrected(found((FEVER,)), MARKED)
    assert [(item.text, item.type) for item in result.mentions] == [
        ("Abc", CHEMICAL),
        ("severe rash", DISORDER),
        ("fever", DISORDER),
    ]
    assert told(result) == {("Abc", "severe rash", CAUSES)}


def test_a_drug_that_was_found_as_a_gene_product_stays_one() -> None:
    product = Mention("T1", 0, 3, "Abc", "GeneOrGeneProduct", 0.9)
    reading = found((product, RASH, FEVER), related(product, FEVER, CAUSES))
    result = corrected(reading, MARKED)
    assert result.mentions[0].type == "GeneOrGeneProduct"
    assert told(result) == {("Abc", "rash", CAUSES)}


def test_other_relations_stay_unless_the_text_denies_them() -> None:
    result = corrected(
        found(
            (ABC, RASH, FEVER, GENE),
            related(ABC, FEVER, "Negative_Correlation"),
            related(GENE, FEVER, CAUSES),
            related(GENE, RASH, "Association", "negated"),
            related(ABC, RASH, "Association"),
        ),
        MARKED,
    )
    assert told(result) == {
        ("Abc", "fever", "Negative_Correlation"),
        ("TP53", "fever", CAUSES),
        ("Abc", "rash", CAUSES),
    }


def test_another_mention_of_a_related_pair_is_related_as_the_model_says() -> None:
    text = f"{TEXT} Abc and rash recurred."
    again = Mention("T5", len(TEXT) + 1, len(TEXT) + 4, "Abc", CHEMICAL, 0.9)
    marked = Extraction("t", text, MARKED.mentions, MARKED.relations)
    reading = Extraction("0", text, (ABC, RASH, again), (related(again, RASH, CAUSES),))
    assert len(corrected(reading, marked).relations) == 2
