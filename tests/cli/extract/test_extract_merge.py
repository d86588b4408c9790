import hashlib
import warnings
import zipfile
from pathlib import Path
from typing import Any

import orjson
import pytest

from keci.corpus.run.finished import open_finished
from tests.cli.extraction import records, run

pytestmark = pytest.mark.usefixtures("_as_before", "_small_chunks")


def test_shards_are_merged_to_the_whole(
    corpus: Path, model: tuple[str, ...], tmp_path: Path
) -> None:
    for number in (1, 2, 3):
        shard = ("--shard", f"{number}/3", "-o", tmp_path / f"{number}.jsonl")
        run(corpus, *shard, *model)
    run(corpus, "-o", tmp_path / "whole.jsonl", *model)
    shards = [tmp_path / f"{number}.jsonl" for number in (1, 2, 3)]
    result = run("merge", *shards, "-o", tmp_path / "merged.jsonl")
    assert result.exit_code == 0, result.stderr
    assert "14 records merged, 13 written, 1 failed" in result.stderr
    merged, whole = (records(tmp_path / f"{name}.jsonl") for name in ("merged", "whole"))
    assert [_without_scores(item) for item in merged] == [_without_scores(item) for item in whole]
    assert [_scores(item) for item in merged] == [
        pytest.approx(_scores(item), abs=1e-4) for item in whole
    ]
    assert run("verify", tmp_path / "merged.jsonl").exit_code == 0
    assert run("merge", *shards).exit_code == 2
    assert run("merge", shards[0], "-o", tmp_path / "x").exit_code == 2


@pytest.mark.parametrize("form", ["brat", "bioc", "bioc-xml", "pubtator", "parquet", "jsonl"])
def test_ids_that_come_again_lose_no_text(
    form: str, model: tuple[str, ...], tmp_path: Path
) -> None:
    ids = ["a", "a", "a~2", "b", "a", "a~2"]
    path = tmp_path / "in.jsonl"
    texts = [f"rash {number}." for number in range(len(ids))]
    lines = [orjson.dumps({"id": id_, "text": text}) for id_, text in zip(ids, texts, strict=True)]
    path.write_bytes(b"\n".join(lines))
    shards = [tmp_path / f"shard-{number}" for number in (1, 2, 3)]
    for number, shard in enumerate(shards, start=1):
        output = ("-o", shard, "--output-format", form, "--shard", f"{number}/3")
        assert run(path, *output, *model).exit_code == 0
    result = run("merge", *shards, "-o", tmp_path / "merged")
    assert result.exit_code == 0, result.stderr
    run(path, "-o", tmp_path / "whole", "--output-format", form, *model)
    for output in (tmp_path / "merged", tmp_path / "whole"):
        assert run("verify", output).exit_code == 0
        found = [(item.id, item.text) for item in open_finished(output).extractions()]
        assert found == list(zip(ids, texts, strict=True))


def test_verify_finds_files_of_one_name_in_an_archive(
    corpus: Path, model: tuple[str, ...], tmp_path: Path
) -> None:
    output = tmp_path / "out.brat.zip"
    run(corpus, "-o", output, *model)
    with warnings.catch_warnings(), zipfile.ZipFile(output, "a") as archive:
        warnings.simplefilter("ignore")
        for name in archive.namelist()[:2]:
            archive.writestr(name, archive.read(name))
    manifest = tmp_path / "out.brat.zip.run.json"
    content = output.read_bytes()
    record = orjson.loads(manifest.read_bytes())
    record["parts"][0] |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    manifest.write_bytes(orjson.dumps(record))
    found = run("verify", output)
    assert found.exit_code == 1
    assert "has the file d0.txt twice" in found.stdout


def _without_scores(item: Any) -> Any:
    if isinstance(item, dict):
        numbers = ("score", "type_score", "weight", "context_weight")
        return {key: _without_scores(value) for key, value in item.items() if key not in numbers}
    return [_without_scores(value) for value in item] if isinstance(item, list) else item


def _scores(item: dict[str, Any]) -> list[float]:
    findings = (*item["entities"], *item["relations"])
    return [part[name] for part in findings for name in ("score", "type_score") if name in part]
