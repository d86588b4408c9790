"""A run tells nobody of itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXTRACT = "from keci.cli.extract.command import main; main()"


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_run_leaves_no_telemetry(tiny_bundle: Path, tmp_path: Path, processes: str) -> None:
    home, texts = tmp_path / "home", tmp_path / "in.jsonl"
    home.mkdir()
    texts.write_text('{"id": "1", "text": "rash after abc"}\n', "utf-8")
    told = {name: value for name, value in os.environ.items() if "TELEMETRY" not in name}
    caches = {name: str(home / name) for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME")}
    line = [sys.executable, "-c", EXTRACT, str(texts), "--model", str(tiny_bundle), "--no-kb"]
    subprocess.run(
        [*line, "--processes", processes, "-o", str(tmp_path / "out.jsonl")],
        env={**told, **caches, "HOME": str(home), "USERPROFILE": str(home)},
        check=True,
    )
    assert [path for path in home.rglob("*") if path.is_file()] == []
