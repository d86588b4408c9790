import pytest

from keci.knowledge.sources.terms import bare_symbols, turned_greek, unnumbered


def test_a_symbol_before_a_kind_stands_alone_too() -> None:
    names = ["PDZ Domains", "SH2 domain", "Hox Genes", "Milk Proteins", "E1A protein"]
    assert list(bare_symbols(names)) == ["PDZ", "SH2", "E1A"]


@pytest.mark.parametrize(
    ("name", "turned"),
    [
        ("actinin alpha 1", ["alpha-actinin 1", "alpha-actinin"]),
        ("catenin beta", ["beta-catenin"]),
        ("actinin 1", []),
    ],
)
def test_greek_letters_are_turned_to_the_front(name: str, turned: list[str]) -> None:
    assert list(turned_greek(name)) == turned


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("caldesmon 1", ["caldesmon"]),
        ("integrin subunit alpha 2", ["integrin subunit"]),
        ("actin 3", ["actin"]),
        ("p53", []),
        ("albumin", []),
    ],
)
def test_a_number_at_the_end_is_dropped(name: str, family: list[str]) -> None:
    assert list(unnumbered(name)) == family
