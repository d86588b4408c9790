from hypothesis import given
from hypothesis import strategies as st

from keci.knowledge.base.compile import IdentityGroups, merge_concepts
from keci.knowledge.base.records import ConceptRecord

IDS = [f"{source}:{number}" for source in "ABC" for number in range(4)]
SOURCES = {identity: identity[0] for identity in IDS}


def test_a_chain_is_cut_where_a_source_would_enter_twice() -> None:
    groups = IdentityGroups[str](SOURCES.__getitem__)
    assert groups.join("A:1", "B:1")
    assert groups.join("B:1", "C:1")
    assert not groups.join("C:1", "A:2")
    assert groups.members("C:1") == ("A:1", "B:1", "C:1")
    assert groups.members("A:2") == ("A:2",)
    assert not groups.join("A:2", "C:1")
    assert groups.refused == {("A:2", "C:1")}


@given(st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(IDS))))
def test_groups_partition_the_ids_with_one_of_each_source(pairs: list[tuple[str, str]]) -> None:
    groups = IdentityGroups[str](SOURCES.__getitem__)
    for first, second in pairs:
        groups.join(first, second)
    for identity in IDS:
        members = groups.members(identity)
        assert identity in members
        assert len({SOURCES[member] for member in members}) == len(members)
        assert all(groups.members(member) == members for member in members)


def test_the_most_trusted_member_names_the_concept() -> None:
    groups = IdentityGroups[str](SOURCES.__getitem__)
    groups.join("A:1", "B:1")
    concepts = [
        ConceptRecord(
            "B:1",
            "beta",
            ("T103",),
            synonyms=("b",),
            definition="From B.",
            xrefs=("X:1",),
            priority=2,
        ),
        ConceptRecord("A:1", "ALP", ("T121",), symbols=("A1",), priority=1, name_is_symbol=True),
        ConceptRecord("C:1", "gamma", ("T047",), priority=0),
    ]
    gamma, merged = merge_concepts(concepts, groups)
    assert gamma.id == "C:1"
    assert (merged.id, merged.name, merged.sources) == ("A:1", "ALP", ("A:1", "B:1"))
    assert merged.types == ("T121",)
    assert (merged.symbols, merged.synonyms) == (("A1",), ("beta", "b"))
    assert (merged.definition, merged.xrefs) == ("From B.", ("X:1",))
