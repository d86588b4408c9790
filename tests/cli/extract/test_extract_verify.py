from pathlib import Path

import orjson
import pytest

from tests.cli.extraction import run

pytestmark = pytest.mark.usefixtures("_as_before", "_small_chunks")


def test_verify_and_report(corpus: Path, model: tuple[str, ...], tmp_path: Path) -> None:
    output = tmp_path / "out"
    run(corpus, "--output-dir", output, *model)
    verified = run("verify", output)
    assert verified.exit_code == 0
    assert "1 files, 13 records and 1 failures" in verified.stdout
    report = orjson.loads(run("report", output, "--json").stdout)
    assert (report["documents"], report["failures"]["total"]) == (13, 1)
    assert "documents" in run("report", output).stdout
    (output / "part-00001.jsonl").write_bytes(b"")
    damaged = run("verify", output)
    assert damaged.exit_code == 1
    assert "part-00001.jsonl was changed" in damaged.stdout
    assert run("verify", corpus).exit_code == 2
