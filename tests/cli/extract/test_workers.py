"""keci-extract in several processes."""

import logging
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from keci.corpus.metrics import Meter
from keci.corpus.records import Chunk
from keci.opening import ModelOptions, open_extractor
from keci.pipeline import Pipeline
from tests.cli.extraction import contents, records, run

pytestmark = pytest.mark.usefixtures("_as_before", "_small_chunks")
IMPORTED = (
    "import sys; from keci.cli.extract.command import main\n"
    "try: main()\n"
    "finally: print(sorted({'torch', 'onnxruntime'} & sys.modules.keys()), file=sys.stderr)"
)


@pytest.fixture
def short_corpus(corpus: Path) -> Path:
    """Two records, which one process reads."""
    corpus.write_bytes(b"".join(corpus.read_bytes().splitlines(keepends=True)[:2]))
    return corpus


def test_processes_change_no_byte_and_one_of_them_logs(
    corpus: Path,
    tiny_bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    for processes in ("1", "3"):
        metrics_file = tmp_path / f"{processes}.json"
        options = ("--model", tiny_bundle, "--threads", "1", "--metrics", metrics_file)
        output = ("--output-dir", tmp_path / processes)
        done = run(corpus, *output, *options, "--processes", processes)
        assert done.exit_code == 1
        assert "14 records read, 13 written, 1 failed" in done.stderr
    assert capfd.readouterr().err.count("no knowledge base at") == 1
    one, three = (
        {name: content for name, content in contents(tmp_path / name).items() if "part" in name}
        for name in ("1", "3")
    )
    assert one == three
    assert one
    metrics = orjson.loads((tmp_path / "3.json").read_bytes())
    assert metrics["memory"]["rss_bytes"] <= metrics["memory"]["peak_rss_bytes"]


def test_a_run_may_go_on_with_other_processes(
    corpus: Path, model: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.jsonl"
    add = Meter.add

    def add_and_interrupt(self: Meter, chunk: Chunk) -> None:
        add(self, chunk)
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Meter, "add", add_and_interrupt)
        stopped = run(corpus, "-o", output, *model, "--processes", "2")
    assert stopped.exit_code == 128 + signal.SIGINT
    assert run(corpus, "-o", output, *model, "--resume").exit_code == 1
    assert len(records(output)) == 13


def test_a_killed_process_ends_the_run_which_can_go_on(
    corpus: Path, model: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.write_bytes(corpus.read_bytes() * 20)
    output, pids = tmp_path / "out.jsonl", list[int]()
    add = Meter.add

    def add_and_kill(self: Meter, chunk: Chunk) -> None:
        add(self, chunk)
        pids.extend(self._memory._process_ids())
        os.kill(pids[0], signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(Meter, "add", add_and_kill)
        ended = run(corpus, "-o", output, *model, "--processes", "2")
    assert ended.exit_code == 2
    assert "a worker process was ended by signal 9 before its work was done" in ended.stderr
    assert "the same command with --resume goes on there" in ended.stderr
    assert not output.exists()
    assert run(corpus, "-o", output, *model, "--processes", "2", "--resume").exit_code == 1
    assert len(records(output)) == 13 * 20


def test_what_is_wrong_with_a_model_is_told_once(
    corpus: Path, tiny_bundle: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = ("--model", tiny_bundle, "--processes", "2", "--no-kb", "--precision", "fp8")
    done = run(corpus, *options)
    assert done.exit_code == 2
    assert done.stderr.count("has no precision 'fp8', only fp32, int8") == 1
    assert capfd.readouterr().err == ""


def test_the_process_that_shares_the_work_out_loads_no_model(
    short_corpus: Path, model: tuple[str, ...]
) -> None:
    command = [sys.executable, "-c", IMPORTED, str(short_corpus), *model, "--processes", "2"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0
    assert done.stderr.endswith(b"[]\n")
    assert len(done.stdout.splitlines()) == 2


def test_a_process_imports_nothing_from_the_folder_that_it_is_in(
    short_corpus: Path, model: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise RuntimeError('not the one that was meant')")
    monkeypatch.chdir(tmp_path)
    done = run(short_corpus, "-o", tmp_path / "out.jsonl", *model, "--processes", "2")
    assert "2 written, 0 failed" in done.stderr


def test_options_are_the_same_after_a_pipe() -> None:
    options = ModelOptions(model="x", kb=Path("kb"), precision="int8", threads=2, unit="sentence")
    assert ModelOptions.from_record(orjson.loads(orjson.dumps(options.to_record()))) == options


def test_threads_are_shared_out(tiny_bundle: Path) -> None:
    logging.getLogger("keci").setLevel(logging.ERROR)
    options = ModelOptions(model=str(tiny_bundle), without_kb=True, threads=4)
    with Pipeline(open_extractor(replace(options, processes=4))) as pipeline:
        assert pipeline.description["model"]["threads_per_operator"] == 1
        assert len(pipeline.process_ids) == 1
    with Pipeline(open_extractor(replace(options, processes=1))) as pipeline:
        assert pipeline.process_ids == ()
