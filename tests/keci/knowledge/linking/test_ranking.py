from keci.knowledge.base.records import ConceptRecord, RelationRecord
from keci.knowledge.base.store import KnowledgeBase, knowledge_base_in_memory
from keci.knowledge.linking.linker import Linker
from keci.knowledge.linking.ranking import Ranker


def test_case_decides_before_the_order_of_the_base(small_kb: KnowledgeBase) -> None:
    ranker = Ranker(small_kb, 6)
    assert [small_kb.concept(i).id for i in ranker.rank("cat", True)] == ["G:1", "G:3", "A:1"]
    assert [small_kb.concept(i).id for i in ranker.rank("cat", False)] == ["A:1"]


def test_parts_take_turns_without_repeats(small_kb: KnowledgeBase) -> None:
    assert Ranker(small_kb, 4).combine((1, 2, 3), (4, 1)) == (1, 4, 2, 3)


def test_groups_are_those_of_the_types(small_kb: KnowledgeBase) -> None:
    assert Ranker(small_kb, 6).groups(0) == {"genes", "chemicals"}


SYMBOLS = knowledge_base_in_memory(
    [
        ConceptRecord("G:1", "Lccs", ("T028",), name_is_symbol=True),
        ConceptRecord("G:2", "HTT", ("T028",), symbols=("LCC",), name_is_symbol=True),
        ConceptRecord("D:1", "liver cell carcinoma", ("T191",), symbols=("LCC",), priority=9),
        ConceptRecord("D:2", "carcinoma", ("T191",), priority=9),
        ConceptRecord("G:3", "ABC", ("T028",), name_is_symbol=True),
        ConceptRecord("D:3", "a big cold", ("T047",), symbols=("ABC",), priority=9),
    ],
    [RelationRecord("D:1", "D:2", "isa"), RelationRecord("D:3", "D:2", "isa")],
)


def linked(text: str) -> dict[str, list[str]]:
    return {
        text[start:end]: [SYMBOLS.concept_id(concept) for concept in concepts]
        for start, end, concepts in Linker(SYMBOLS).link(text)
    }


def test_a_symbol_means_a_disorder_before_what_a_gene_was_called_as_well() -> None:
    assert linked("LCC grows")["LCC"] == ["D:1", "G:2", "G:1"]


def test_a_gene_keeps_its_own_symbol() -> None:
    assert linked("ABC grows")["ABC"] == ["G:3", "D:3"]


def test_symbols_in_mixed_case_stay_in_the_order_of_the_base() -> None:
    assert linked("LcC grows")["LcC"][0] == "G:1"


def test_a_head_tells_what_the_name_before_it_means() -> None:
    assert linked("the LCC gene")["LCC gene"] == ["G:2", "G:1", "D:1"]


def test_an_english_word_does_not_stand_for_the_name_that_it_is_the_head_of() -> None:
    base = knowledge_base_in_memory(
        [
            ConceptRecord("D:1", "DNA Damage", ("T049",), synonyms=("damage",)),
            ConceptRecord("D:2", "Diabetes Mellitus", ("T047",), synonyms=("diabetes",)),
            ConceptRecord("C:1", "ancymidol", ("T109",), synonyms=("a-rest",)),
        ],
        common_words=frozenset({"damage", "diabetes", "rest"}),
    )
    text = "damage at rest in diabetes; DNA damage"
    found = [text[start:end] for start, end, _ in Linker(base).link(text)]
    assert found == ["diabetes", "DNA damage"]


def test_a_symbol_that_is_a_plain_synonym_too_stays_a_symbol() -> None:
    words = frozenset({"met"})
    base = knowledge_base_in_memory(
        [
            ConceptRecord("G:1", "MET", ("T028",), synonyms=("Met",), name_is_symbol=True),
            ConceptRecord("G:2", "SLT", ("T028",), symbols=("MET",), name_is_symbol=True),
            ConceptRecord("G:3", "RHO", ("T028",), name_is_symbol=True),
        ],
        common_words=words,
    )
    first = [base.concept_id(index) for index in Ranker(base, 1).rank("met", True, is_capital=True)]
    assert first == ["G:1"]
    found = Linker(base).link("RHO met rho")
    assert [(mention.start, mention.end) for mention in found] == [(0, 3), (4, 7)]


def test_of_genes_that_share_an_alias_the_one_with_most_names_is_first() -> None:
    base = knowledge_base_in_memory(
        [
            ConceptRecord("G:1", "EPHB", ("T028",), symbols=("ERK",)),
            ConceptRecord("G:2", "MAPK", ("T028",), symbols=("ERK",), synonyms=("a b", "c d")),
            ConceptRecord("G:3", "ERK", ("T028",)),
            ConceptRecord("D:1", "dx", ("T047",), symbols=("CRD",)),
            ConceptRecord("D:2", "dy", ("T047",), symbols=("CRD",), synonyms=("a b", "c d")),
        ]
    )
    found = {key: [base.concept_id(i) for i in base.candidates(key)] for key in ("erk", "crd")}
    assert found == {"erk": ["G:3", "G:2", "G:1"], "crd": ["D:1", "D:2"]}
