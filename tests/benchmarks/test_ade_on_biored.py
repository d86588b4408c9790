from dataclasses import replace

import pytest

from benchmarks.ade_on_biored import kinds_found
from keci.data.gold import GoldDocument, Interaction
from keci.documents import Extraction, Mention, Relation

TEXT = "Abc led to rash; def was given for gout."
GOLD = GoldDocument(
    Extraction(
        "d",
        TEXT,
        (
            Mention("T1", 0, 3, "Abc", "ChemicalEntity", group="C1"),
            Mention("T2", 11, 15, "rash", "DiseaseOrPhenotypicFeature", group="D1"),
            Mention("T3", 17, 20, "def", "ChemicalEntity", group="C2"),
            Mention("T4", 35, 39, "gout", "DiseaseOrPhenotypicFeature", group="D2"),
        ),
    ),
    (
        Interaction(("C1",), ("D1",), "Positive_Correlation"),
        Interaction(("D2",), ("C2",), "Negative_Correlation"),
    ),
    "d",
)
FOUND = Extraction(
    "d",
    TEXT,
    (
        Mention("T1", 0, 3, "Abc", "Drug"),
        Mention("T2", 7, 15, "to rash", "Adverse-Effect"),
        Mention("T3", 17, 20, "def", "Drug"),
        Mention("T4", 35, 39, "gout", "Adverse-Effect"),
    ),
)


def relation(head: str, tail: str, score: float = 0.9) -> Relation:
    return Relation("R1", head, tail, "Adverse-Effect", score)


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        (relation("T2", "T1"), ["Positive_Correlation"]),
        (relation("T4", "T3"), ["Negative_Correlation"]),
        (relation("T2", "T3"), ["nothing"]),
        (relation("T2", "T1", 0.4), []),
        (replace(relation("T2", "T1"), assertion="negated"), []),
    ],
)
def test_a_relation_is_what_biored_says_of_its_concepts(found: Relation, kinds: list[str]) -> None:
    assert list(kinds_found(GOLD, replace(FOUND, relations=(found,)))) == kinds
