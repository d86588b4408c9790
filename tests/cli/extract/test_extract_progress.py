import re
import sys
from pathlib import Path

import orjson
import pytest

from keci import progress
from keci.cli import options as cli_options
from keci.cli import tables
from keci.cli.extract import run as extract_run
from tests.cli.extraction import run

pytestmark = pytest.mark.usefixtures("_as_before", "_small_chunks")


def test_metrics_are_kept(corpus: Path, model: tuple[str, ...], tmp_path: Path) -> None:
    metrics = tmp_path / "metrics.json"
    run(corpus, "-o", tmp_path / "out.jsonl", "--metrics", metrics, *model)
    record = orjson.loads(metrics.read_bytes())
    assert (record["records"], record["documents"], record["failed"]) == (14, 13, 1)
    assert list(record["failures_by_reason"].values()) == [1]
    assert record["input_bytes_read"] == record["input_bytes"] == corpus.stat().st_size
    assert record["records_per_second"] > 0
    if sys.platform == "linux":
        assert 0 < record["memory"]["rss_bytes"] <= record["memory"]["peak_rss_bytes"]


def test_progress_is_logged_without_a_terminal(
    corpus: Path, model: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    result = run(corpus, "-o", tmp_path / "out.jsonl", *model)
    assert "INFO 4 records, " in result.stderr
    assert "/s, 0% read" in result.stderr
    assert "/s, 1 failed, 100% read" in result.stderr
    quiet = run(corpus, "-o", tmp_path / "out.jsonl", *model, "--quiet")
    (told,) = quiet.stderr.splitlines()
    assert told.startswith("1 failed: ")


def test_progress_is_a_bar_on_a_terminal(
    corpus: Path, model: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (extract_run, cli_options, tables):
        monkeypatch.setattr(module, "show_progress", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "300")
    result = run(corpus, "-o", tmp_path / "out.jsonl", *model)
    assert "━" in result.stderr
    assert re.search(r"documents\W+13\W+failed\W+1\W", result.stderr), "a table at the end"
    assert "14 records" in result.stderr
    assert f"opening {model[1]}" in result.stderr
