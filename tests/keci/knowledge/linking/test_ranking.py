from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.linking.ranking import Ranker


def test_case_decides_before_the_order_of_the_base(small_kb: KnowledgeBase) -> None:
    ranker = Ranker(small_kb, 6)
    assert [small_kb.concept(i).id for i in ranker.rank("cat", True)] == ["G:1", "G:3", "A:1"]
    assert [small_kb.concept(i).id for i in ranker.rank("cat", False)] == ["A:1"]


def test_parts_take_turns_without_repeats(small_kb: KnowledgeBase) -> None:
    assert Ranker(small_kb, 4).combine((1, 2, 3), (4, 1)) == (1, 4, 2, 3)


def test_groups_are_those_of_the_types(small_kb: KnowledgeBase) -> None:
    assert Ranker(small_kb, 6).groups(0) == {"genes", "chemicals"}
