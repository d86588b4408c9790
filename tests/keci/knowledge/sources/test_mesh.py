import pytest

from keci.knowledge.base.vocabulary import TYPE_NAMES
from keci.knowledge.sources.mesh import PROTEIN_OF_SPECIES, TREE_TYPES, tree_types


@pytest.mark.parametrize(
    ("trees", "types"),
    [
        (("D12.776.1",), ("T116",)),
        (("D08.811.277",), ("T116", "T126")),
        (("D08.900",), ("T116",)),
        (("C14.280",), ("T047",)),
        (("C04.1", "C14.1"), ("T047", "T191")),
        (("D05.750", "D12.776"), ("T116",)),
        (("D05.750",), ("T104",)),
        (("Z01.1", "K01"), ()),
        ((), ()),
    ],
)
def test_the_longest_prefix_of_a_tree_number_decides(
    trees: tuple[str, ...], types: tuple[str, ...]
) -> None:
    assert tree_types(trees) == types


def test_all_rules_name_known_types() -> None:
    assert {code for codes in TREE_TYPES.values() for code in codes} <= TYPE_NAMES.keys()


def test_proteins_of_species_are_recognised() -> None:
    match = PROTEIN_OF_SPECIES.fullmatch("Abc1 protein, S cerevisiae")
    assert match is not None
    assert (match["symbol"], match["species"]) == ("Abc1", "S cerevisiae")
    assert PROTEIN_OF_SPECIES.fullmatch("Abc binding protein, mouse") is None
