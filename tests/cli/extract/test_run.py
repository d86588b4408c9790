"""Runs that stop, break or are killed, and go on."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from keci.corpus.metrics import Meter
from keci.errors import KeciError
from tests.cli.extraction import CHUNK_RECORDS, contents, records, run

pytestmark = pytest.mark.usefixtures("_as_before", "_small_chunks")
SCRIPT = "import sys; from keci.cli.extract.command import main; main()"


def test_parts_and_resume(
    corpus: Path, model: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--part-records", "5", "--output-format", "jsonl.zst", *model)
    assert run(corpus, "--output-dir", tmp_path / "whole", *options).exit_code == 1
    stopped = ("--output-dir", tmp_path / "stopped", *options)
    with monkeypatch.context() as patch:
        _interrupt_after(1, patch, signal.SIGTERM)
        first = run(corpus, *stopped)
    assert first.exit_code == 128 + signal.SIGTERM
    assert "stopped after 4 records; the same command with --resume" in first.stderr
    assert run(corpus, *stopped).exit_code == 2
    with monkeypatch.context() as patch:
        _interrupt_after(2, patch, signal.SIGINT)
        assert run(corpus, *stopped, "--resume").exit_code == 128 + signal.SIGINT
    changed = run(corpus, *stopped, "--resume", "--unit", "document")
    assert changed.exit_code == 2
    assert "model.unit: sentence -> document" in changed.stderr
    filtered = run(corpus, *stopped, "--resume", "--min-entity-score", "0.9")
    assert filtered.exit_code == 2
    assert "filters" in filtered.stderr
    last = run(corpus, *stopped, "--resume")
    assert last.exit_code == 1
    assert "14 records read, 13 written, 1 failed" in last.stderr
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")
    again = run(corpus, *stopped, "--resume")
    assert again.exit_code == 1
    assert "finished already" in again.stderr


def test_a_full_disk_says_how_to_go_on(
    corpus: Path, model: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keci.corpus.run.output import RunOutput

    def full(self: RunOutput, chunk: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(RunOutput, "add", full)
        result = run(corpus, "-o", tmp_path / "out.jsonl", *model)
    assert result.exit_code == 2
    assert "No space left on device; the same command with --resume" in result.stderr
    assert run(corpus, "-o", tmp_path / "out.jsonl", *model, "--resume").exit_code == 1


def test_too_many_failures_end_the_run(
    corpus: Path, model: tuple[str, ...], tmp_path: Path
) -> None:
    corpus.write_bytes(corpus.read_bytes().replace(b'"text"', b'"title"'))
    output = tmp_path / "out.jsonl"
    result = run(corpus, "-o", output, "--max-failures", "3", *model)
    assert result.exit_code == 1
    assert "4 records failed, more than allowed" in result.stderr
    assert not output.exists()
    assert run(corpus, "-o", output, "--max-failures", "20", "--resume", *model).exit_code == 1
    assert len(records(tmp_path / "out.jsonl.failures.jsonl")) == 14


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_a_closed_pipe_is_no_error(corpus: Path, model: tuple[str, ...]) -> None:
    line = orjson.dumps({"id": "d", "text": "rash after abc. " * 30}) + b"\n"
    corpus.write_bytes(line * 400)
    command = [sys.executable, "-c", SCRIPT, str(corpus), *model]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        complaint = process.stderr.read().decode()
    assert "Traceback" not in complaint
    assert "BrokenPipe" not in complaint
    assert process.returncode == 128 + 13


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_killed_command_goes_on_to_the_same_bytes(
    corpus: Path, model: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    corpus.write_bytes(corpus.read_bytes() * 60)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    options = [str(corpus), *model, "--output-format", "jsonl.gz", "--part-records", "100"]
    command = [sys.executable, "-c", SCRIPT, *options, "--output-dir", str(killed)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 120
        while not any(killed.glob("part-*.gz")) and time.monotonic() < deadline:
            time.sleep(0.01)
            assert process.poll() is None
        process.kill()
    assert (killed / "journal").exists()
    run(*options, "--output-dir", whole)
    assert run(*options, "--output-dir", killed, "--resume").exit_code == 1
    assert contents(killed) == contents(whole)


def test_errors_of_the_project_have_no_traceback(
    corpus: Path, model: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    from keci.corpus.reader import CorpusReader

    def fail(*_: object) -> None:
        raise KeciError("as told")

    monkeypatch.setattr(CorpusReader, "read", fail)
    result = run(corpus, *model)
    assert (result.exit_code, result.stderr.strip()) == (2, "Error: as told")


def _interrupt_after(chunks: int, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    add = Meter.add

    def add_and_interrupt(self: Meter, chunk: Any) -> None:
        add(self, chunk)
        if self.documents + self.failed == chunks * CHUNK_RECORDS:
            signal.raise_signal(number)

    monkeypatch.setattr(Meter, "add", add_and_interrupt)


def test_an_input_may_grow_after_a_dry_run_but_not_within_a_run(
    corpus: Path, model: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = corpus.read_bytes().splitlines(keepends=True)[0]
    arguments = ("--output-dir", tmp_path / "out", *model)
    assert run(corpus, "--dry-run").exit_code == 1
    corpus.write_bytes(corpus.read_bytes() + line)
    with monkeypatch.context() as patch:
        _interrupt_after(1, patch, signal.SIGTERM)
        assert "stopped after 4 records" in run(corpus, *arguments).stderr
    before = contents(tmp_path / "out")
    corpus.write_bytes(corpus.read_bytes() + line)
    changed = run(corpus, *arguments, "--resume")
    assert changed.exit_code == 2
    assert "what has changed since:\n  input" in changed.stderr
    assert contents(tmp_path / "out") == before
    assert "16 records read" in run(corpus, *arguments, "--overwrite").stderr
