from keci.data.gold import entity_interactions, unknown_types
from keci.schema import ADE
from tests.keci.data.annotations import annotate

TEXT = "A binds B and A binds C"
MENTIONS = [(0, 1, "protein"), (8, 9, "protein"), (14, 15, "protein"), (22, 23, "protein")]


def described(extraction):
    return [(i.head_names, i.tail_names, i.type) for i in entity_interactions(extraction)]


def test_without_groups_mentions_of_one_text_are_one_entity():
    extraction = annotate(TEXT, MENTIONS, [(0, 1, "bind"), (1, 2, "bind"), (3, 2, "bind")])
    assert described(extraction) == [(("A",), ("B",), "bind"), (("C",), ("A",), "bind")]


def test_with_groups_an_entity_has_all_names_of_its_mentions():
    extraction = annotate(TEXT, MENTIONS, [(0, 3, "bind")], groups=["x", "x", "x", "y"])
    assert described(extraction) == [(("A", "B"), ("C",), "bind")]


def test_each_type_of_a_pair_is_an_interaction_and_so_is_a_self_relation():
    extraction = annotate(TEXT, MENTIONS, [(0, 1, "bind"), (1, 0, "no-bind"), (3, 3, "bind")])
    assert described(extraction) == [
        (("A",), ("B",), "bind"),
        (("B",), ("A",), "no-bind"),
        (("C",), ("C",), "bind"),
    ]


def test_unknown_types_are_counted_by_their_role():
    extraction = annotate("a b", [(0, 1, "Drug"), (2, 3, "Gene")], [(0, 1, "Drug")])
    assert unknown_types(ADE, [extraction]) == {"Gene": 1, "Drug": 1}
