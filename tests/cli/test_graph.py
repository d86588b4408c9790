"""keci-graph as a user types it."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

pytest.importorskip("duckdb")

from keci.cli.graph import FORMATS, main
from keci.graph import counting
from tests.keci.graph.test_graph import document

pytestmark = pytest.mark.usefixtures("_as_before")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(item) for item in arguments], catch_exceptions=False)


@pytest.fixture
def extractions(tmp_path: Path) -> Path:
    path = tmp_path / "entities.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps(document(name).to_record()) for name in "abc"))
    return path


def test_all_formats(extractions: Path, tmp_path: Path) -> None:
    chosen = [item for name in FORMATS for item in ("--format", name)]
    result = run(extractions, "-o", tmp_path / "graph", *chosen)
    assert result.exit_code == 0
    assert "3 documents: 9 mentions of 3 nodes, 3 relations in 1 edge\n" in result.stderr
    written = {path.name for path in (tmp_path / "graph").iterdir()}
    assert written == {
        "nodes.tsv", "edges.tsv", "evidence.tsv", "neo4j", "nodes.parquet", "edges.parquet",
        "evidence.parquet", "graph.graphml",
    }  # fmt: skip
    assert not list(tmp_path.glob(".keci-graph-*"))


def test_a_table_without_files(extractions: Path, tmp_path: Path) -> None:
    result = run(extractions, "--top", "5")
    assert result.exit_code == 0
    assert "Exanthema" in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["entities.jsonl"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "expected -o FOLDER"),
        (("--mapping", "absent.toml", "--top", "1"), "absent.toml is no file"),
        (("--top", "1", "--format", "graphml"), "expected -o FOLDER"),
        (("--top", "1", "--publications", "PMID"), "expected -o FOLDER"),
        (("-o", "graph", "--publications", "a b"), "expected --publications as PMID"),
        (("--top", "1", "--memory", "1XB"), "expected memory as 500MB or 2GB, got '1XB'"),
        (("--top", "1", "--memory", "1GB' --"), "expected memory as"),
        (("--top", "1", "--memory", "1kB"), "1kB of memory do not do"),
    ],
)
def test_wrong_usage_is_one_line(
    extractions: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run(extractions, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_folder_with_something_in_it_is_left_alone(extractions: Path, tmp_path: Path) -> None:
    (tmp_path / "graph").mkdir()
    (tmp_path / "graph" / "notes").write_text("mine")
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_text("this would be told if it were read first")
    for source in (extractions, damaged):
        result = run(source, "-o", tmp_path / "graph")
        assert result.exit_code == 2
        assert "is not an empty folder" in result.stderr


def test_without_relations_there_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_bytes(b"")
    result = run(tmp_path / "none.jsonl", "--top", "5")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "no relations were found" in result.stderr


def test_want_of_memory_while_it_counts_is_told(
    extractions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "_EDGES", "SELECT sum(range) FROM range(10)")
    monkeypatch.setattr(
        counting, "_NODES", "CREATE TABLE node AS SELECT list(range) FROM range(10000000)"
    )
    result = run(extractions, "--top", "1", "--memory", "20MB")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: 20MB of memory do not do for this graph")
