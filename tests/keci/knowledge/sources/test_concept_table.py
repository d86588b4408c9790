from pathlib import Path

import pytest
from click.testing import CliRunner

from keci.cli.kb import kb as command
from keci.errors import DataError, UsageError
from keci.knowledge.base.folder import write_folder
from keci.knowledge.base.records import ConceptRecord
from keci.knowledge.base.store import (
    KnowledgeBase,
    knowledge_base_in_memory,
    open_knowledge_base,
)
from keci.knowledge.linking.linker import Linker
from keci.knowledge.sources.concept_table import build_table

TABLE = (
    "id,name,synonyms,type,definition,xrefs\n"
    'ACME:1,"roseoxan, free base",RSX|rosoxane,T109,"A drug, of ours.",MESH:D1\n'
    "ACME:2,strain 77,,Bacterium,,\n"
    "\n"
)


def build(
    folder: Path, table: str, default_type: str | None = None, others: tuple[Path, ...] = ()
) -> KnowledgeBase:
    path = folder / "ours.csv"
    path.write_text(table, "utf-8-sig")
    target = folder / "kb"
    build_table(path, target, default_type=default_type, others=others, report=lambda _: None)
    return open_knowledge_base(target)


def test_a_table_becomes_a_knowledge_base(tmp_path: Path) -> None:
    kb = build(tmp_path, TABLE)
    drug, strain = kb.concept(kb.find("ACME:1") or 0), kb.concept(kb.find("ACME:2") or 0)
    assert (drug.name, drug.types, drug.xrefs) == ("roseoxan, free base", ("T109",), ("MESH:D1",))
    assert drug.definition == "A drug, of ours."
    assert set(drug.names) == {"roseoxan, free base", "RSX", "rosoxane"}
    assert (strain.name, strain.types) == ("strain 77", ("T007",))
    text = "We gave RSX and rosoxane to strain 77."
    found = {text[item.start : item.end] for item in Linker(kb).link(text)}
    assert found == {"RSX", "rosoxane", "strain 77"}


@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_tabs_and_semicolons_part_columns_too(delimiter: str, tmp_path: Path) -> None:
    rows = (("Name", "ID", "Synonyms"), ("roseoxan", "A:1", "one|two"))
    kb = build(tmp_path, "\n".join(map(delimiter.join, rows)), "T109")
    assert kb.concept(0).names == ("roseoxan", "one", "two")


def test_a_table_is_joined_with_other_bases(tmp_path: Path) -> None:
    base = knowledge_base_in_memory(
        (
            ConceptRecord("MESH:D1", "aspirose", ("T109",)),
            ConceptRecord("MESH:D2", "RSX", ("T047",)),
        )
    )
    write_folder(base.tables, tmp_path / "open", description=base.manifest.description)
    kb = build(tmp_path, TABLE, others=(tmp_path / "open",))
    assert kb.find("MESH:D1") == kb.find("ACME:1")
    assert len(kb) == 3
    (mention,) = (item for item in Linker(kb).link("RSX") if item.start == 0)
    assert set(mention.concepts) == {kb.find("ACME:1"), kb.find("MESH:D2")}


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("id,title\n1,a\n", "expected the columns id, name"),
        ("id\n1\n", "expected the columns id, name"),
        ("id,name,type\n1,,T109\n", r"ours\.csv:2: the cell 'name' is empty"),
        ("id,name,type\n1,a,T109\n1,b,T109\n", r"ours\.csv:3: the id '1' is used twice"),
        ("id,name,type\n1,a,T109,x\n", r"ours\.csv:2: 4 cells under 3 columns"),
        ("id,name,type\n", "has no row below its header"),
        ("", "expected the columns id, name"),
    ],
)
def test_a_table_that_is_not_as_promised_names_its_line(
    table: str, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=problem):
        build(tmp_path, table)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("id,name\n1,a\n", "no semantic type: fill the column"),
        ("id,name,type\n1,a,Thing\n", "unknown semantic type 'Thing'"),
    ],
)
def test_a_row_needs_a_type(table: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=problem):
        build(tmp_path, table)


def test_the_command_builds_a_table(tmp_path: Path) -> None:
    path = tmp_path / "ours.csv"
    path.write_text(TABLE)
    arguments = ["build", "table", str(path), "-o", str(tmp_path / "kb")]
    result = CliRunner().invoke(command.main, arguments)
    assert result.exit_code == 0, result.output
    assert "2 concepts" in result.stderr
