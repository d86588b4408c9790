"""keci-extract convert."""

from pathlib import Path

import orjson
import pytest

from keci.documents import Extraction, Mention, Relation
from keci.pipeline import write
from tests.cli.extraction import records, run


def extraction(name: str, *scores: float) -> Extraction:
    mentions = tuple(
        Mention(f"T{number}", 0, 4, "rash", "Effect", score)
        for number, score in enumerate(scores, start=1)
    )
    return Extraction(name, "rash", mentions)


RECORDS = [
    extraction("sure", 0.99, 0.98),
    extraction("empty"),
    extraction("unsure", 0.99, 0.52),
    extraction("half", 0.7),
]


def test_a_format_becomes_another_with_the_same_records(tmp_path: Path) -> None:
    write(RECORDS, tmp_path / "out.jsonl")
    again = tmp_path / "again.jsonl"
    result = run("convert", tmp_path / "out.jsonl", "-o", tmp_path / "out.parquet")
    assert "4 records written" in result.stderr
    assert run("convert", tmp_path / "out.parquet", "-o", again).exit_code == 0
    assert again.read_bytes() == (tmp_path / "out.jsonl").read_bytes()


def test_the_least_certain_come_first(tmp_path: Path) -> None:
    write(RECORDS, tmp_path / "out.jsonl")
    for count, names in ((2, ["unsure", "half"]), (9, ["unsure", "half", "sure", "empty"])):
        picked = tmp_path / f"{count}.jsonl"
        options = ("-o", picked, "--sample", "uncertain", str(count))
        assert run("convert", tmp_path / "out.jsonl", *options).exit_code == 0
        assert [record["id"] for record in records(picked)] == names
    tasks = tmp_path / "tasks.label-studio.json"
    options = ("-o", tasks, "--sample", "uncertain", "1")
    assert run("convert", tmp_path / "out.jsonl", *options).exit_code == 0
    (task,) = orjson.loads(tasks.read_bytes())
    assert task["data"] == {"id": "unsure", "text": "rash"}
    assert task["predictions"][0]["score"] < 0.05


@pytest.mark.parametrize("name", ["again.jsonl", "again.jsonl.partial", "again.jsonl.run.json"])
def test_links_in_the_way_are_not_followed(tmp_path: Path, name: str) -> None:
    write(RECORDS, tmp_path / "out.jsonl")
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / name).symlink_to(victim)
    result = run("convert", tmp_path / "out.jsonl", "-o", tmp_path / "again.jsonl")
    assert result.exit_code == 2
    assert victim.read_text() == "mine"


def test_what_is_read_is_not_the_partial_file(tmp_path: Path) -> None:
    write(RECORDS, tmp_path / "again.jsonl.partial", "jsonl")
    before = (tmp_path / "again.jsonl.partial").read_bytes()
    source = tmp_path / "again.jsonl.partial"
    result = run("convert", source, "-o", tmp_path / "again.jsonl")
    assert result.exit_code == 2
    assert "which is read" in result.stderr
    assert source.read_bytes() == before


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    write(RECORDS, output)
    assert run("convert", output, "-o", tmp_path / "x.html").exit_code == 2
    assert not (tmp_path / "x.html").exists()
    refused = run("convert", output, "-o", output)
    assert refused.exit_code == 2
    assert "exists already" in refused.stderr
    assert run("convert", output, "-o", tmp_path / "x", "--sample", "all", "3").exit_code == 2
    assert "name it with -o" in run("convert", output, "-o", "-").stderr


def test_a_doubtful_relation_counts_too() -> None:
    from keci.certainty import certainty

    pair = extraction("a", 0.99, 0.99)
    link = Relation("R1", "T1", "T2", "with", 0.5)
    assert certainty(Extraction("a", "rash", pair.mentions, (link,))) == 0.0
    assert certainty(Extraction("a", "rash", (Mention("T1", 0, 4, "rash", "Effect"),))) == 1.0
    typed = Mention("T1", 0, 4, "rash", "Effect", 0.99, type_score=0.5)
    assert certainty(Extraction("a", "rash", (typed,))) == 0.0


def test_a_table_has_a_row_for_what_is_asked_for(tmp_path: Path) -> None:
    write(RECORDS, tmp_path / "out.jsonl")
    for name, rows, lines in (("a.csv", "mentions", 6), ("b.csv", "relations", 1)):
        target = tmp_path / name
        assert run("convert", tmp_path / "out.jsonl", "-o", target, "--rows", rows).exit_code == 0
        assert len(target.read_text("utf-8").splitlines()) == lines
    target = tmp_path / "c.parquet"
    parquet = pytest.importorskip("pyarrow.parquet")
    options = ("-o", target, "--rows", "mentions")
    assert run("convert", tmp_path / "out.jsonl", *options).exit_code == 0
    assert parquet.read_table(target).num_rows == 5
    refused = run(
        "convert", tmp_path / "out.jsonl", "-o", tmp_path / "d.jsonl", "--rows", "mentions"
    )
    assert refused.exit_code == 2
    assert "rows of mentions need csv, tsv, xlsx or parquet" in refused.stderr
