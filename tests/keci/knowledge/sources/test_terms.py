from pathlib import Path

import pytest

from keci.errors import DataError
from keci.knowledge.sources.terms import (
    Term,
    curie,
    read_json_terms,
    term_identities,
    term_relations,
    types_by_ancestor,
)

TERMS = [
    Term("X:1", "root"),
    Term("X:2", "child", relations=(("is_a", "X:1"), ("has_part", "X:3"))),
    Term("X:3", "grandchild", relations=(("is_a", "X:2"), ("is_a", "X:4"))),
    Term("X:4", "in a cycle", relations=(("is_a", "X:3"), ("unheard_of", "X:1"))),
]


def test_the_first_rule_that_applies_decides() -> None:
    rules = [("X:3", ("T003",)), ("X:2", ("T002",))]
    types = types_by_ancestor(TERMS, rules, lambda _: ("T000",))
    assert types == {
        "X:1": ("T000",),
        "X:2": ("T002",),
        "X:3": ("T003",),
        "X:4": ("T003",),
    }


def test_relations_take_their_canonical_direction() -> None:
    triples = [(r.head, r.relation, r.tail) for r in term_relations(TERMS[1:2])]
    assert triples == [("X:2", "isa", "X:1"), ("X:3", "part_of", "X:2")]


def test_identities_are_those_of_wanted_vocabularies() -> None:
    term = Term("X:1", "a", xrefs=("MESH:D1", "SNOMED:1"))
    assert term_identities([term], ("MESH",)) == (("X:1", "MESH:D1"),)


@pytest.mark.parametrize(
    ("prefix", "local", "expected"),
    [("MSH", "D1", "MESH:D1"), ("GO", "GO:1", "GO:1"), ("UP", "P1", "UNIPROT:P1")],
)
def test_curies_have_one_spelling(prefix: str, local: str, expected: str) -> None:
    assert curie(prefix, local) == expected


def test_a_damaged_json_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "go.json"
    path.write_text("[{")
    with pytest.raises(DataError, match=r"go\.json is not JSON"):
        read_json_terms(path, "GO")
