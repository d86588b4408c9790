import functools
from pathlib import Path

import pytest

from keci.corpus.records import Selection, Shard, chunks
from keci.corpus.run.finished import open_finished, problems
from keci.corpus.run.layout import file_layout, folder_layout
from keci.corpus.run.merging import merge_shards
from keci.errors import DataError, UsageError
from keci.files import Disk
from tests.keci.corpus.corpora import contents, run_corpus, write_corpus


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "in.jsonl", 150, bad=(1, 100))


def problems_of(output: Path) -> list[str]:
    return list(problems(open_finished(output)))


@pytest.mark.parametrize("form", ["jsonl", "pubtator.gz", "brat", "bioc", "bioc-xml.gz"])
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
    real_chunks = functools.partial(chunks, record=lambda record: record)
    monkeypatch.setattr("tests.keci.corpus.corpora.small_chunks", real_chunks)
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
