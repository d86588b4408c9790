from pathlib import Path
from typing import Any

import pytest

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


def _without_scores(item: Any) -> Any:
    if isinstance(item, dict):
        numbers = ("score", "weight", "context_weight")
        return {key: _without_scores(value) for key, value in item.items() if key not in numbers}
    return [_without_scores(value) for value in item] if isinstance(item, list) else item


def _scores(item: dict[str, Any]) -> list[float]:
    return [part["score"] for part in (*item["entities"], *item["relations"])]
