from collections.abc import Sequence

import pytest

from keci.documents import ConceptLink, Extraction, Mention
from keci.knowledge.base.records import ConceptRecord, RelationRecord
from keci.knowledge.base.store import knowledge_base_in_memory
from keci.knowledge.linking.linker import Linker
from keci.knowledge.meaning import Meanings, semantic_types_of

BASE = knowledge_base_in_memory(
    [
        ConceptRecord("MESH:D1", "Abcin", ("T116",)),
        ConceptRecord("HGNC:1", "ABC1", ("T028", "T116"), synonyms=("Abcin",)),
        ConceptRecord("MGI:1", "Abc1", ("T028", "T116")),
        ConceptRecord("RGD:1", "Abc1r", ("T028", "T116"), synonyms=("Abcin",)),
        ConceptRecord("MONDO:1", "abcitis", ("T047",)),
        ConceptRecord("MESH:D2", "Abc Inflammation", ("T047",), synonyms=("abcitis",)),
        ConceptRecord("MESH:D3", "Abc", ("T109",)),
        ConceptRecord("FPLX:ABC", "ABC", ("T116",)),
        ConceptRecord("GO:1", "abc activity", ("T044",)),
        ConceptRecord("UNIPROT:P1", "ABC (Danio rerio)", ("T116",)),
        ConceptRecord("HGNC:2", "ABC2", ("T028", "T116"), synonyms=("AB",)),
        ConceptRecord("MESH:D4", "Apple Banana Protein", ("T116",)),
        ConceptRecord("MGI:3", "Apb", ("T028",), synonyms=("AB",)),
        ConceptRecord("HGNC:3", "APB", ("T028",), synonyms=("AB",)),
    ],
    [
        RelationRecord("HGNC:1", "MESH:D1", "isa"),
        RelationRecord("HGNC:1", "MGI:1", "orthologous_to"),
        RelationRecord("HGNC:3", "MESH:D4", "mapped_to"),
    ],
)
SHARES = {
    "gene": {"T028": 0.6, "T116": 0.9},
    "disease": {"T047": 0.9},
    "drug": {"T109": 0.7, "T116": 0.2},
    "family": {"T116": 0.9, "T028": 0.2},
}
MICE = "Abcin in mice."
PEOPLE = "Abcin."


def link(concept_id: str, weight: float = 0.1) -> ConceptLink:
    index = BASE.find(concept_id)
    assert index is not None
    _, name, types, xrefs = BASE.summary(index)
    return ConceptLink(concept_id, name, types, weight, xrefs)


def order(
    ids: Sequence[str], kind: str, text: str = PEOPLE, vocabularies: Sequence[str] = ()
) -> list[str]:
    mention = Mention("T1", 0, 5, "Abcin", kind, concepts=tuple(map(link, ids)))
    bare = Mention("T2", 0, 1, "A", kind)
    given = Extraction("d", text, (mention, bare))
    found, left = Meanings(BASE, SHARES, vocabularies).ordered(given).mentions
    assert left is bare
    return [concept.id for concept in found.concepts]


@pytest.mark.parametrize(
    ("ids", "kind", "text", "expected"),
    [
        (["MESH:D1", "HGNC:1"], "gene", PEOPLE, ["HGNC:1", "MESH:D1"]),
        (["HGNC:1", "MESH:D1"], "family", PEOPLE, ["MESH:D1", "HGNC:1"]),
        (["HGNC:1", "MESH:D1"], "drug", PEOPLE, ["MESH:D1"]),
        (["MESH:D1", "HGNC:1"], "other", PEOPLE, ["MESH:D1", "HGNC:1"]),
        (["HGNC:1", "MONDO:1"], "disease", PEOPLE, ["MONDO:1"]),
        (["HGNC:1", "MONDO:1"], "other", PEOPLE, ["HGNC:1", "MONDO:1"]),
        (["HGNC:1"], "disease", PEOPLE, []),
        (["GO:1", "MONDO:1"], "disease", PEOPLE, ["MONDO:1", "GO:1"]),
        (["GO:1"], "disease", PEOPLE, ["GO:1"]),
        (["MESH:D3", "MESH:D1"], "gene", PEOPLE, ["MESH:D1", "MESH:D3"]),
        (["FPLX:ABC", "MESH:D1", "HGNC:1"], "gene", MICE, ["FPLX:ABC", "HGNC:1", "MESH:D1"]),
        (["MESH:D1", "FPLX:ABC", "HGNC:1"], "gene", PEOPLE, ["HGNC:1", "MESH:D1", "FPLX:ABC"]),
        (["HGNC:1", "RGD:1"], "gene", "Abcin in rats.", ["RGD:1", "HGNC:1"]),
        (["RGD:1", "HGNC:1"], "gene", PEOPLE, ["HGNC:1", "RGD:1"]),
        (["HGNC:1", "RGD:1"], "gene", MICE, ["MGI:1", "HGNC:1", "RGD:1"]),
        (["MESH:D1", "RGD:1"], "gene", MICE, ["RGD:1", "MESH:D1"]),
        (["HGNC:1"], "gene", "Abcin of zebrafish.", ["HGNC:1"]),
        (["MGI:1"], "gene", PEOPLE, ["HGNC:1", "MGI:1"]),
        (["MGI:3"], "gene", PEOPLE, ["HGNC:3", "MGI:3"]),
        (["FPLX:ABC", "HGNC:1"], "gene", PEOPLE, ["FPLX:ABC", "HGNC:1"]),
        (["UNIPROT:P1", "MESH:D3"], "drug", PEOPLE, ["MESH:D3"]),
    ],
)
def test_type_then_species_then_gene_decide(
    ids: list[str], kind: str, text: str, expected: list[str]
) -> None:
    assert order(ids, kind, text) == expected


def test_weights_take_no_part_and_one_that_the_model_did_not_read_has_none() -> None:
    concepts = (link("HGNC:1", 0.2), link("RGD:1", 0.5))
    mention = Mention("T1", 0, 5, "Abcin", "gene", concepts=concepts)
    found = Meanings(BASE, SHARES).ordered(Extraction("d", MICE, (mention,))).mentions[0]
    assert [(item.id, item.weight) for item in found.concepts] == [
        ("MGI:1", 0.0), ("HGNC:1", 0.2), ("RGD:1", 0.5),
    ]  # fmt: skip
    assert found.concept == found.concepts[0]


def test_a_vocabulary_that_was_asked_for_goes_before_equals_alone() -> None:
    both = ["MONDO:1", "MESH:D2"]
    assert order(both, "disease") == both
    assert order(both, "disease", vocabularies=["MESH"]) == both[::-1]
    assert order(["MESH:D3", "HGNC:1"], "gene", vocabularies=["MESH"]) == ["HGNC:1", "MESH:D3"]
    assert order(["HGNC:1", "MESH:D1"], "gene", vocabularies=["MESH"]) == ["HGNC:1", "MESH:D1"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Apple banana protein (AB) rose.", ["HGNC:3", "MGI:3", "MESH:D4", "HGNC:2"]),
        ("Apple banana protein (AB) of mice.", ["MGI:3", "HGNC:3", "MESH:D4", "HGNC:2"]),
        ("An ash-borer (AB) of mice.", ["MGI:3", "HGNC:2", "HGNC:3", "MESH:D4"]),
    ],
)
def test_what_a_text_explains_is_meant(text: str, expected: list[str]) -> None:
    at = text.index("AB")
    concepts = tuple(map(link, ("HGNC:2", "MESH:D4", "MGI:3", "HGNC:3")))
    mention = Mention("T1", at, at + 2, "AB", "gene", concepts=concepts)
    (found,) = Meanings(BASE, SHARES).ordered(Extraction("d", text, (mention,))).mentions
    assert [concept.id for concept in found.concepts] == expected


def test_without_shares_the_order_is_the_linkers() -> None:
    mention = Mention("T1", 0, 5, "Abcin", "gene", concepts=(link("MESH:D1"), link("HGNC:1")))
    given = Extraction("d", MICE, (mention,))
    assert Meanings(BASE, {}).ordered(given) == given


def annotated(times: int) -> Extraction:
    text = " ".join(["Abcin abcitis nothing"] * times)
    mentions = [
        Mention(f"T{place}", start, start + len(name), name, kind)
        for place in range(times)
        for name, kind, start in (
            ("Abcin", "gene", 22 * place),
            ("abcitis", "disease", 22 * place + 6),
            ("nothing", "drug", 22 * place + 14),
        )
    ]
    return Extraction("d", text, tuple(mentions))


def test_shares_are_of_mentions_with_a_name_in_the_base() -> None:
    linker = Linker(BASE)
    assert semantic_types_of([annotated(19)], linker) == {}
    first = BASE.types(linker.link("Abcin")[0].concepts[0])
    assert semantic_types_of([annotated(20)], linker) == {
        "disease": {"T047": 1.0},
        "gene": dict.fromkeys(sorted(first), 1.0),
    }
