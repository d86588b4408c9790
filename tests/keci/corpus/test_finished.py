"""Finished runs: verified, summed up, merged from shards, and their failures tried again."""

from pathlib import Path

import pytest

from keci.corpus.durable import Disk
from keci.corpus.finished import open_finished, problems
from keci.corpus.layout import file_layout, folder_layout
from keci.corpus.merging import merge_shards
from keci.corpus.records import Selection, Shard
from keci.corpus.retries import failures_file, read_positions
from keci.corpus.summary import summarise
from keci.errors import DataError, UsageError
from tests.keci.corpus.corpora import contents, run_corpus, write_corpus


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "in.jsonl", 150, bad=(1, 100))


@pytest.fixture
def output(corpus: Path, tmp_path: Path) -> Path:
    run_corpus([corpus], folder_layout(tmp_path / "out", "jsonl.gz", 60))
    return tmp_path / "out"


def problems_of(output: Path) -> list[str]:
    return list(problems(open_finished(output)))


def test_an_untouched_output_has_no_problems(corpus: Path, output: Path, tmp_path: Path) -> None:
    assert problems_of(output) == []
    for form in ("jsonl", "bioc", "pubtator.zst", "brat"):
        path = tmp_path / f"one.{form}"
        run_corpus([corpus], file_layout(path, form))
        assert problems_of(path) == []


def test_every_change_is_found(output: Path) -> None:
    part = output / "part-00002.jsonl.gz"
    whole = part.read_bytes()
    part.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert any("part-00002.jsonl.gz was changed" in problem for problem in problems_of(output))
    part.unlink()
    assert problems_of(output) == ["part-00002.jsonl.gz is missing"]
    part.write_bytes(whole)
    (output / "failures.jsonl").write_bytes(b"")
    (output / "note.txt").touch()
    first, second = problems_of(output)
    assert "failures.jsonl was changed" in first
    assert second == "note.txt is no file of this run"


def test_wrong_counts_and_offsets_are_found_behind_right_hashes(
    corpus: Path, tmp_path: Path
) -> None:
    import orjson

    from keci.corpus.manifest import file_facts

    path, manifest = tmp_path / "one.jsonl", tmp_path / "one.jsonl.run.json"
    run_corpus([corpus], file_layout(path, None))
    record = orjson.loads(manifest.read_bytes())

    def with_content(content: bytes) -> list[str]:
        path.write_bytes(content)
        facts = file_facts(path, record["parts"][0]["records"])
        changed = {**record, "parts": [{**record["parts"][0], "sha256": facts.sha256,
                                        "bytes": facts.bytes}]}  # fmt: skip
        manifest.write_bytes(orjson.dumps(changed))
        return problems_of(path)

    lines = path.read_bytes().splitlines(keepends=True)
    assert with_content(b"".join(lines)) == []
    (problem,) = with_content(b"".join(lines[1:]))
    assert "records, expected" in problem
    (problem,) = with_content(lines[0].replace(b'"start":0', b'"start":1') + b"".join(lines[1:]))
    assert "is not text[1:5]" in problem


def test_what_is_not_finished_cannot_be_opened(corpus: Path, tmp_path: Path) -> None:
    layout = file_layout(tmp_path / "one.jsonl", None)
    run_corpus([corpus], layout, stop_after=1)
    with pytest.raises(DataError, match="was the run finished"):
        open_finished(layout.spool(1))
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(DataError, match="no manifest of a run"):
        open_finished(tmp_path)


def test_a_summary_counts_everything(output: Path) -> None:
    record = summarise(open_finished(output)).to_record()
    assert record["documents"] == 136
    assert record["failures"]["total"] == 14
    assert record["failures"]["by_reason"]["cannot"] == 12
    assert len(record["failures"]["by_reason"]) == 2
    assert record["entities"]["by_type"] == {"Name": record["entities"]["total"]}
    assert (
        record["entities"]["total"] - record["relations"]["total"] == 136 - record["without_text"]
    )
    assert record["without_text"] == record["without_entities"]


@pytest.mark.parametrize("form", ["jsonl", "pubtator.gz", "brat", "bioc"])
@pytest.mark.parametrize("of", [1, 3])
def test_merged_shards_are_the_whole_run(corpus: Path, tmp_path: Path, of: int, form: str) -> None:
    shards = []
    for number in range(1, of + 1):
        layout = folder_layout(tmp_path / f"shard{number}", form, 20)
        run_corpus([corpus], layout, selection=Selection(shard=Shard(number, of)))
        shards.append(open_finished(layout.folder))
    merged, whole = (folder_layout(tmp_path / name, form, 64) for name in ("merged", "whole"))
    merge_shards(shards[::-1], merged, Disk(), overwrite=False)
    run_corpus([corpus], whole)
    assert problems_of(merged.folder) == []
    if form == "jsonl":
        documents = list(open_finished(merged.folder).extractions())
        assert documents == list(open_finished(whole.folder).extractions())
        assert contents(merged.folder)["failures.jsonl"] == contents(whole.folder)["failures.jsonl"]


def test_merged_parts_are_those_of_the_whole_run(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.keci.corpus.corpora.CHUNK_RECORDS", 64)
    shards = []
    for number in (1, 2):
        layout = folder_layout(tmp_path / f"shard{number}", "jsonl", 20)
        run_corpus([corpus], layout, selection=Selection(shard=Shard(number, 2)))
        shards.append(open_finished(layout.folder))
    merged, whole = (folder_layout(tmp_path / name, "jsonl", 50) for name in ("merged", "whole"))
    merge_shards(shards, merged, Disk(), overwrite=False)
    run_corpus([corpus], whole)
    assert contents(merged.folder) == contents(whole.folder)


def test_only_all_shards_of_one_run_are_merged(corpus: Path, tmp_path: Path) -> None:
    def shard(name: str, number: int, limit: int | None = None) -> Path:
        selection = Selection(limit=limit, shard=Shard(number, 2))
        run_corpus([corpus], file_layout(tmp_path / name, None), selection=selection)
        return tmp_path / name

    one, two, other = shard("one", 1), shard("two", 2), shard("other", 2, limit=50)
    target = file_layout(tmp_path / "merged", None)

    def merge(*paths: Path) -> None:
        merge_shards([open_finished(path) for path in paths], target, Disk(), overwrite=False)

    with pytest.raises(UsageError, match=r"expected the shards 1/2, 2/2, got 1/2$"):
        merge(one)
    with pytest.raises(UsageError, match=r"got 1/2, 1/2$"):
        merge(one, one)
    with pytest.raises(UsageError, match=r"another run:\n  options.limit: None -> 50"):
        merge(one, other)
    (tmp_path / "two").write_bytes(b"")
    with pytest.raises(DataError, match="ends before its last record"):
        merge(one, two)
    assert not target.part(1).exists()


def test_failed_records_are_read_again(corpus: Path, output: Path, tmp_path: Path) -> None:
    write_corpus(corpus, 150)
    positions = read_positions(failures_file(output))
    manifest = run_corpus(
        [corpus], file_layout(tmp_path / "again", None), selection=Selection(positions=positions)
    )
    assert manifest
    assert (manifest.taken, manifest.written, manifest.failed) == (14, 2, 12)
    again = [item.id for item in open_finished(tmp_path / "again").extractions()]
    assert again == ["d1", "d100"]


def test_a_damaged_input_is_read_again_to_its_end(tmp_path: Path) -> None:
    import gzip

    plain = write_corpus(tmp_path / "plain", 4000).read_bytes()
    corpus = tmp_path / "in.jsonl.gz"
    stored = gzip.compress(plain)
    corpus.write_bytes(stored[: len(stored) // 2])
    first = run_corpus([corpus], file_layout(tmp_path / "first", None))
    corpus.write_bytes(stored)
    positions = read_positions(failures_file(tmp_path / "first"))
    again = run_corpus(
        [corpus], file_layout(tmp_path / "again", None), selection=Selection(positions=positions)
    )
    assert first
    assert again
    assert first.written + again.written + again.failed == 4000


def test_without_failures_there_is_nothing_to_retry(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "in.jsonl", 2)
    run_corpus([corpus], file_layout(tmp_path / "out", None))
    with pytest.raises(UsageError, match="no record failed"):
        failures_file(tmp_path / "out")
    with pytest.raises(UsageError, match="no failures file"):
        read_positions(tmp_path / "absent.failures.jsonl")
    with pytest.raises(DataError, match="expected a failure"):
        read_positions(corpus)
