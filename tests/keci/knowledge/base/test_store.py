import numpy as np
import pytest

from keci.errors import KnowledgeBaseError
from keci.knowledge.base.records import ConceptRecord
from keci.knowledge.base.store import KnowledgeBase, describe, knowledge_base_in_memory
from tests.keci.knowledge.related import triples
from tests.tiny import tiny_knowledge_base


def ids(kb: KnowledgeBase, indices: object) -> list[str]:
    return [kb.concept(int(index)).id for index in np.atleast_1d(indices)]


def test_a_concept_has_all_that_its_record_says(small_kb: KnowledgeBase) -> None:
    concept = small_kb.concept(2)
    assert (concept.index, concept.id, concept.name) == (2, "G:2", "TNF")
    assert concept.types == ("T028", "T116")
    assert concept.names == ("TNF", "TNFα", "tumor necrosis factor", "tumor necrosis factor alpha")
    assert concept.definition == "A cytokine of macrophages."
    assert not concept.definition_is_synthetic
    assert concept.sources == ("G:2", "M:2")
    assert concept.xrefs == ("NCBIGENE:7124",)


def test_a_missing_definition_is_made_from_types_and_parents(small_kb: KnowledgeBase) -> None:
    concept = small_kb.concept(1)
    assert concept.definition_is_synthetic
    assert concept.definition == "Cats: mammal; isa mammal; also called Felis catus."


def test_merged_ids_are_found(small_kb: KnowledgeBase) -> None:
    assert small_kb.find("M:2") == small_kb.find("G:2") == 2
    assert small_kb.find("X:404") is None


def test_names_denote_their_concepts_best_first(small_kb: KnowledgeBase) -> None:
    assert ids(small_kb, small_kb.candidates("cat")) == ["G:1", "G:3", "A:1"]
    assert small_kb.candidates("unknown").shape == (0,)


def test_types_are_ragged(small_kb: KnowledgeBase) -> None:
    splits, types = small_kb.concept_types([3, 0])
    assert splits.tolist() == [0, 1, 3]
    assert [small_kb.type_codes[place] for place in types] == ["T047", "T028", "T116"]
    assert small_kb.concept_types([])[0].tolist() == [0]


def test_relations_go_out_from_their_heads(small_kb: KnowledgeBase) -> None:
    assert triples(small_kb) == [
        ("G:1", "found_in", "A:1"), ("A:1", "isa", "A:2"), ("G:2", "causes", "C:1"),
        ("D:1", "isa", "D:2"), ("P:1", "isa", "P:2"),
    ]  # fmt: skip
    splits, tails, _ = small_kb.outgoing([4, 3])
    assert (splits.tolist(), ids(small_kb, tails)) == ([0, 0, 1], ["D:2"])


def test_relations_of_merged_ids_hold_for_the_concept(small_kb: KnowledgeBase) -> None:
    tails, _ = small_kb.neighbours(2)
    assert ids(small_kb, tails) == ["C:1"]


def test_an_index_beyond_the_end_is_refused(small_kb: KnowledgeBase) -> None:
    for index in (-1, len(small_kb)):
        with pytest.raises(IndexError):
            small_kb.concept(index)


def test_a_concept_without_type_is_refused() -> None:
    with pytest.raises(KnowledgeBaseError, match="A: unknown or missing types"):
        knowledge_base_in_memory([ConceptRecord("A", "first", ())])


def test_two_concepts_must_not_share_an_id() -> None:
    twins = [ConceptRecord("A", "first", ("T001",)), ConceptRecord("A", "second", ("T001",))]
    with pytest.raises(KnowledgeBaseError, match="share an id"):
        knowledge_base_in_memory(twins)


def test_an_empty_knowledge_base_answers() -> None:
    empty = knowledge_base_in_memory([])
    assert len(empty) == 0
    assert empty.candidates("cat").shape == (0,)
    assert triples(empty) == []


def test_the_fingerprint_is_a_function_of_the_content() -> None:
    one = [ConceptRecord("A", "first", ("T001",))]
    other = [ConceptRecord("A", "second", ("T001",))]
    same, again, different = map(knowledge_base_in_memory, (one, one, other))
    assert same.fingerprint == again.fingerprint != different.fingerprint


def test_description_is_plain(small_kb: KnowledgeBase) -> None:
    record = describe(small_kb.concept(3), small_kb)
    assert record["types"] == [{"code": "T047", "name": "Disease or Syndrome"}]


def test_a_summary_is_what_the_base_says_each_time() -> None:
    base = tiny_knowledge_base()
    for _ in range(2):
        for index in range(len(base)):
            concept = base.concept(index)
            others = (*concept.sources[1:], *concept.xrefs)
            assert base.summary(index) == (concept.id, concept.name, concept.types, others)
