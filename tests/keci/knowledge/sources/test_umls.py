import gzip
import logging
from pathlib import Path

import pytest

from keci.errors import DataError, UsageError
from keci.knowledge.base.store import KnowledgeBase, open_knowledge_base
from keci.knowledge.linking.linker import Linker
from keci.knowledge.sources.umls import build_umls
from keci.knowledge.sources.umls_filter import UmlsFilter
from tests.keci.knowledge.related import triples
from tests.keci.knowledge.sources.umls_release import write_release

REPORT = logging.getLogger("test").debug


def build(folder: Path, **wanted: object) -> KnowledgeBase:
    meta, net = folder / "META", folder / "NET"
    target = folder / "kb"
    build_umls(target, meta=meta, net=net, wanted=UmlsFilter(**wanted), report=REPORT)  # type: ignore[arg-type]
    return open_knowledge_base(target)


@pytest.fixture(scope="module")
def umls(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    folder = tmp_path_factory.mktemp("release")
    write_release(folder)
    return build(folder)


def names_of_relations(kb: KnowledgeBase) -> set[tuple[str, str, str]]:
    return set(triples(kb, KnowledgeBase.preferred_name))


def test_a_concept_has_the_atoms_of_its_language_that_are_in_force(umls: KnowledgeBase) -> None:
    index = umls.find("UMLS:C0000001")
    assert index is not None
    concept = umls.concept(index)
    assert concept.names == ("Aspirose", "ASPX", "Acetylrose")
    assert concept.types == ("T109", "T121")
    assert concept.definition == "A drug of the roses."
    assert concept.xrefs == ("HGNC:77", "MESH:D77")


def test_a_suppressed_definition_does_not_count(umls: KnowledgeBase) -> None:
    index = umls.find("UMLS:C0000002")
    assert index is not None
    assert umls.concept(index).definition_is_synthetic


def test_a_concept_without_type_is_left_out(umls: KnowledgeBase) -> None:
    assert umls.find("UMLS:C0000006") is None


def test_a_type_that_the_network_does_not_know_is_named_by_mrsty(umls: KnowledgeBase) -> None:
    assert umls.type_name("T999") == "Wholly New Type"


def test_relations_point_the_right_way_once(umls: KnowledgeBase) -> None:
    assert names_of_relations(umls) == {
        ("petal", "part_of", "rose plant"),
        ("rose fever", "isa", "rose poisoning"),
        ("Aspirose", "treats", "rose fever"),
        ("rose poisoning", "related_to", "Aspirose"),
    }


def test_type_relations_are_those_of_the_network(umls: KnowledgeBase) -> None:
    found = {
        (umls.type_codes[head], umls.relation_names[kind], umls.type_codes[tail])
        for head, tail, kind in zip(*umls.type_relations(), strict=True)
    }
    assert found == {("T121", "treats", "T184"), ("T109", "treats", "T184")}


def test_the_base_links_texts(umls: KnowledgeBase) -> None:
    text = "ASPX against rose fever"
    assert [text[m.start : m.end] for m in Linker(umls).link(text)] == ["ASPX", "rose fever"]


def test_a_packed_release_gives_the_same(umls: KnowledgeBase, tmp_path: Path) -> None:
    write_release(tmp_path, packed=True)
    files = build(tmp_path).manifest.files
    assert files == umls.manifest.files


def test_a_file_in_packed_parts_is_read_whole(umls: KnowledgeBase, tmp_path: Path) -> None:
    meta, _ = write_release(tmp_path)
    content = (meta / "MRCONSO.RRF").read_bytes()
    (meta / "MRCONSO.RRF").unlink()
    cut = content.index(b"C0000003")
    (meta / "MRCONSO.RRF.aa.gz").write_bytes(gzip.compress(content[:cut]))
    (meta / "MRCONSO.RRF.ab.gz").write_bytes(gzip.compress(content[cut:]))
    assert build(tmp_path).manifest.files == umls.manifest.files


def test_filters_choose_sources_types_and_suppressed_atoms(tmp_path: Path) -> None:
    write_release(tmp_path)
    by_source = build(tmp_path, sources=("MSH", "NCI"))
    assert [by_source.concept(i).name for i in range(len(by_source))] == [
        "Acetylrose",
        "febris rosarum",
    ]
    by_type = build(tmp_path, types=("T002",))
    assert [by_type.concept(i).name for i in range(len(by_type))] == ["petal", "rose plant"]
    suppressed = build(tmp_path, suppress=("N", "O"))
    index = suppressed.find("UMLS:C0000001")
    assert index is not None
    assert "Outmodedrose" in suppressed.concept(index).names


def test_column_lists_of_the_release_count(umls: KnowledgeBase, tmp_path: Path) -> None:
    meta, _ = write_release(tmp_path)
    (meta / "MRFILES.RRF").write_text("MRSTY.RRF|types|TUI,CUI,STN,STY,ATUI,CVF|6|7|1|\n")
    lines = [line.split("|") for line in (meta / "MRSTY.RRF").read_text().splitlines()]
    swapped = ["|".join([line[1], line[0], *line[2:]]) for line in lines]
    (meta / "MRSTY.RRF").write_text("\n".join(swapped) + "\n")
    assert build(tmp_path).manifest.files == umls.manifest.files


@pytest.mark.parametrize("file", ["META/MRCONSO.RRF", "META/MRSTY.RRF", "NET/SRDEF"])
def test_a_missing_file_is_named(tmp_path: Path, file: str) -> None:
    write_release(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(UsageError, match=f"has no {Path(file).name}"):
        build(tmp_path)
    assert not (tmp_path / "kb").exists()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        build(tmp_path)


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("MRCONSO.RRF", "C9|ENG|", r"MRCONSO\.RRF:13: expected 18 fields, .*found 2"),
        ("MRSTY.RRF", "C0000008|T1||||", r"MRSTY\.RRF:8: expected 6 fields, .*found 5"),
        ("MRSTY.RRF", "C0000008|T109|||||x", "expected 6 fields"),
        ("MRREL.RRF", "Cx|A|S|RO|C0000001|A|S||R||MTH|MTH||Y|N||", "expected a CUI"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(
    tmp_path: Path, file: str, line: str, message: str
) -> None:
    meta, _ = write_release(tmp_path)
    with (meta / file).open("a") as stream:
        stream.write(line + "\n")
    with pytest.raises(DataError, match=message):
        build(tmp_path)


def test_a_file_out_of_order_is_refused(tmp_path: Path) -> None:
    meta, _ = write_release(tmp_path)
    lines = (meta / "MRSTY.RRF").read_text().splitlines(keepends=True)
    (meta / "MRSTY.RRF").write_text("".join(lines[::-1]))
    with pytest.raises(DataError, match=r"MRSTY\.RRF must be sorted by CUI"):
        build(tmp_path)


def test_a_cut_gzip_file_is_refused(tmp_path: Path) -> None:
    meta, _ = write_release(tmp_path, packed=True)
    path = meta / "MRCONSO.RRF.gz"
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(DataError, match="cut off or damaged"):
        build(tmp_path)


def test_a_cycle_of_isa_is_kept_as_it_is(tmp_path: Path) -> None:
    meta, _ = write_release(tmp_path)
    with (meta / "MRREL.RRF").open("a") as stream:
        row = "C0000002|A|S|CHD|C0000003|A|S|isa|R||MTH|MTH||Y|N||"
        stream.write(row + "\n")
    found = names_of_relations(build(tmp_path))
    assert ("rose poisoning", "isa", "rose fever") in found
    assert ("rose fever", "isa", "rose poisoning") in found


def test_concepts_and_types_alone_are_enough(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    meta, _ = write_release(tmp_path)
    for file in meta.iterdir():
        if not file.name.startswith(("MRCONSO", "MRSTY")):
            file.unlink()
    build_umls(tmp_path / "kb", meta=meta, net=None, wanted=UmlsFilter(), report=REPORT)
    kb = open_knowledge_base(tmp_path / "kb")
    index = kb.find("UMLS:C0000001")
    assert index is not None
    assert kb.concept(index).types == ("T109", "T121")
    assert kb.type_name("T121") == "Pharmacologic Substance"
    assert names_of_relations(kb) == set()
    for told in ("no MRREL.RRF", "no MRDEF.RRF", "no Semantic Network"):
        assert told in caplog.text


def test_a_gap_in_the_network_is_told_with_its_line(tmp_path: Path) -> None:
    _, net = write_release(tmp_path)
    (net / "SRDEF").write_text(
        "".join(
            line
            for line in (net / "SRDEF").read_text().splitlines(keepends=True)
            if "|T154|" not in line
        )
    )
    with pytest.raises(DataError, match=r"SRSTRE1:1: SRDEF has no relation T154"):
        build(tmp_path)
