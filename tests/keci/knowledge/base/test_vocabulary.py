import pytest

from keci.knowledge.base.vocabulary import (
    GROUP_OF_TYPE,
    SEMANTIC_GROUPS,
    specific_types,
)


@pytest.mark.parametrize(
    ("codes", "kept"),
    [
        (["T103", "T121"], ("T121",)),
        (["T104"], ("T104",)),
        (["T109", "T116"], ("T116",)),
        (["T103", "T028"], ("T028", "T103")),
        (["T047", "T047"], ("T047",)),
        ([], ()),
    ],
)
def test_general_types_give_way(codes: list[str], kept: tuple[str, ...]) -> None:
    assert specific_types(codes) == kept


def test_groups_do_not_overlap() -> None:
    codes = [code for group in SEMANTIC_GROUPS.values() for code in group.split()]
    assert len(codes) == len(set(codes)) == len(GROUP_OF_TYPE)


def test_a_type_has_the_group_that_lists_it() -> None:
    assert GROUP_OF_TYPE["T116"] == "chemicals"
    assert GROUP_OF_TYPE["T028"] == "genes"
