import pytest

from keci.knowledge.base.records import ConceptRecord
from keci.knowledge.base.store import KnowledgeBase, knowledge_base_in_memory
from keci.knowledge.linking.linker import Linker


@pytest.fixture(scope="module")
def kb() -> KnowledgeBase:
    return knowledge_base_in_memory(
        [
            ConceptRecord("G:1", "HOX1", ("T028", "T116"), name_is_symbol=True),
            ConceptRecord("G:2", "PBX", ("T116",), name_is_symbol=True),
            ConceptRecord("A:1", "lung", ("T023",)),
            ConceptRecord("D:1", "injury", ("T037",)),
            ConceptRecord("D:2", "pneumonia", ("T047",)),
            ConceptRecord("C:1", "promoter", ("T114",)),
            ConceptRecord("C:2", "calcium ion", ("T196",), symbols=("Ca2",)),
            ConceptRecord("G:3", "Slo", ("T116",), name_is_symbol=True),
            ConceptRecord("G:4", "Cdc6", ("T116",), name_is_symbol=True),
            ConceptRecord("G:5", "caspase-9", ("T116",)),
            ConceptRecord("P:1", "rose bloom syndrome", ("T047",)),
        ]
    )


def found(kb: KnowledgeBase, text: str, **options: bool) -> dict[str, list[str]]:
    return {
        text[start:end]: [kb.concept(index).id for index in concepts]
        for start, end, concepts in Linker(kb, **options).link(text)
    }


@pytest.mark.parametrize(
    ("text", "surface", "concepts"),
    [
        ("two HOX1 proteins bind", "HOX1 proteins", ["G:1"]),
        ("the HOX1 promoter", "HOX1 promoter", ["C:1", "G:1"]),
        ("a HOX1-binding site", "HOX1-binding site", ["G:1"]),
        ("HOX1/PBX bind", "HOX1/PBX", ["G:1", "G:2"]),
        ("HOX1-PBX binds", "HOX1-PBX", ["G:1", "G:2"]),
        ("with lung injury", "lung injury", ["D:1", "A:1"]),
        ("with acute severe lung injury", "acute severe lung injury", ["D:1", "A:1"]),
        ("a fatal pneumonia", "fatal pneumonia", ["D:2"]),
        ("free Ca2+ ions", "Ca2+", ["C:2"]),
        ("of dSlo here", "dSlo", ["G:3"]),
        ("of Cdc6p here", "Cdc6p", ["G:4"]),
        ("of procaspase-9 here", "procaspase-9", ["G:5"]),
    ],
)
def test_words_beside_a_name_join_it(
    kb: KnowledgeBase, text: str, surface: str, concepts: list[str]
) -> None:
    assert found(kb, text)[surface] == concepts


@pytest.mark.parametrize(
    ("text", "surface"),
    [
        ("the lung. Injury", "lung. Injury"),
        ("a fatal lung", "fatal lung"),
        ("pneumonia promoter", "pneumonia promoter"),
        ("HOX1/lung", "HOX1/lung"),
        ("Ca2 + ions", "Ca2 +"),
    ],
)
def test_what_does_not_fit_is_not_joined(kb: KnowledgeBase, text: str, surface: str) -> None:
    assert surface not in found(kb, text)


def test_compounds_can_be_switched_off(kb: KnowledgeBase) -> None:
    assert set(found(kb, "acute lung injury", compounds=False)) == {"lung", "injury"}


def test_a_short_form_has_the_concepts_of_its_long_form(kb: KnowledgeBase) -> None:
    text = "The rose bloom syndrome (RBS) is rare. RBS heals."
    linked = Linker(kb).link(text)
    assert [(text[m.start : m.end], m.concepts) for m in linked] == [
        ("rose bloom syndrome", (10,)),
        ("RBS", (10,)),
        ("RBS", (10,)),
    ]
    assert "RBS" not in found(kb, text, abbreviations=False)


def test_a_short_form_that_is_a_name_itself_keeps_its_own_concepts_behind(
    kb: KnowledgeBase,
) -> None:
    assert found(kb, "pneumonia by xenon (PBX)")["PBX"] == ["G:2"]
    assert found(kb, "a rose bloom syndrome (RBS)")["RBS"] == ["P:1"]
