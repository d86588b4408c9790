import pytest

from keci.knowledge.base.records import ConceptRecord, RelationRecord
from keci.knowledge.base.store import KnowledgeBase, knowledge_base_in_memory, open_knowledge_base
from keci.knowledge.base.union import merge_knowledge_bases
from tests.keci.knowledge.related import triples


@pytest.fixture(scope="module")
def united(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    first = knowledge_base_in_memory(
        [
            ConceptRecord(
                "A:1",
                "aspirose",
                ("T121",),
                symbols=("ASP",),
                related=("rose salt",),
                sources=("A:1", "M:1"),
                xrefs=("U:1",),
            ),
            ConceptRecord("A:2", "rose", ("T002",), definition="A plant."),
            ConceptRecord("A:3", "second rose", ("T002",)),
        ],
        [RelationRecord("A:1", "A:2", "derivative_of")],
        name="first",
    )
    second = knowledge_base_in_memory(
        [
            ConceptRecord("U:1", "Aspirosum", ("T109",), definition="A drug."),
            ConceptRecord("U:2", "rosa", ("T002",), xrefs=("A:2", "A:3")),
            ConceptRecord("U:3", "fever", ("T184",), synonyms=("aspirose",)),
        ],
        [RelationRecord("U:1", "U:3", "treats"), RelationRecord("U:1", "U:2", "derivative_of")],
        name="second",
    )
    folder = tmp_path_factory.mktemp("kb") / "both"
    merge_knowledge_bases([first, second], folder, name="first+second", report=print)
    return open_knowledge_base(folder)


def test_concepts_merge_by_ids_and_cross_references(united: KnowledgeBase) -> None:
    index = united.find("U:1")
    assert index is not None
    concept = united.concept(index)
    assert concept.id == "A:1"
    assert concept.sources == ("A:1", "M:1", "U:1")
    assert concept.names == ("aspirose", "ASP", "Aspirosum", "rose salt")
    assert concept.types == ("T109", "T121")
    assert concept.definition == "A drug."
    assert united.find("M:1") == index


def test_only_one_concept_of_each_base_enters_a_group(united: KnowledgeBase) -> None:
    assert united.find("U:2") == united.find("A:2") != united.find("A:3")
    assert len(united) == 4
    assert united.manifest.build["links_not_followed"] == 1


def test_the_first_base_comes_first_where_a_name_is_ambiguous(united: KnowledgeBase) -> None:
    candidates = [united.concept(int(i)).id for i in united.candidates("aspirose")]
    assert candidates == ["A:1", "U:3"]


def test_relations_of_both_hold_once(united: KnowledgeBase) -> None:
    assert triples(united) == [("A:1", "derivative_of", "A:2"), ("A:1", "treats", "U:3")]


def test_counts_of_type_relations_add_up(united: KnowledgeBase) -> None:
    codes, names = united.type_codes, united.relation_names
    assert {
        (codes[h], names[k], codes[t], count) for h, t, k, count in united.tables.type_relations
    } == {
        ("T121", "derivative_of", "T002", 1),
        ("T109", "derivative_of", "T002", 1),
        ("T109", "treats", "T184", 1),
    }


def test_the_name_is_kept(united: KnowledgeBase) -> None:
    assert united.name == "first+second"
