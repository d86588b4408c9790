"""keci-extract as a user types it: what it reads, writes, says and returns."""

import gzip
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from keci.cli import extract_progress
from keci.cli.extract import INPUT_FORMATS, main
from keci.corpus import extraction
from keci.corpus.metrics import Meter
from keci.documents import Extraction
from keci.errors import KeciError

CHUNK_RECORDS = 4
TEXTS = ("rash after abc.", "", "pain with rash and abc kinase. rash after drug.", "x y z", "abc")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Commands set up logging and threads for their process; undo it."""
    import torch

    root, own, threads = logging.getLogger(), logging.getLogger("keci"), torch.get_num_threads()
    handlers, level, own_level = root.handlers[:], root.level, own.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    own.setLevel(own_level)
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "RECORDS_AT_ONCE", CHUNK_RECORDS)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """14 records, of which the fifth is no json."""
    lines = [
        orjson.dumps({"id": f"d{number}", "text": TEXTS[number % len(TEXTS)]})
        for number in range(14)
    ]
    lines[4] = b"{bad"
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


@pytest.fixture
def model(tiny_bundle: Path) -> tuple[str, ...]:
    return ("--model", str(tiny_bundle), "--no-kb", "--threads", "1")


def run(*arguments: str | Path, text: bytes | None = None) -> Result:
    result = CliRunner().invoke(main, [str(item) for item in arguments], input=text)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def records(path: Path) -> list[dict[str, Any]]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [orjson.loads(line) for line in content.splitlines()]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_run_can_be_traced(
    corpus: Path, model: tuple[str, ...], tiny_bundle: Path, tiny_kb_folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl.gz"
    options = ("--model", tiny_bundle, "--kb", tiny_kb_folder, "--precision", "int8")
    result = run(corpus, "-o", output, *options, "--threads", "1")
    assert result.exit_code == 1
    assert "14 records read, 13 written, 1 failed" in result.stderr
    assert len(records(output)) == 13
    (failure,) = records(tmp_path / "out.jsonl.gz.failures.jsonl")
    assert (failure["source"], failure["position"], failure["excerpt"]) == (str(corpus), 5, "{bad")
    manifest = orjson.loads((tmp_path / "out.jsonl.gz.run.json").read_bytes())
    described = manifest["run"]
    assert described["model"]["name"] == "tiny"
    assert described["model"]["precision"] == "int8"
    assert len(described["model"]["manifest_sha256"]) == 64
    assert described["knowledge_base"]["fingerprint"]
    assert described["versions"]["keci"]
    assert [item["name"] for item in described["inputs"]] == [str(corpus)]
    assert described["options"]["unit"] == "sentence"
    assert manifest["records"] == {"read": 14, "taken": 14, "written": 13, "failed": 1}
    again = run(corpus, "-o", output, *model)
    assert again.exit_code == 1, "a finished file is replaced"
    manifest = orjson.loads((tmp_path / "out.jsonl.gz.run.json").read_bytes())
    assert manifest["run"]["knowledge_base"] is None


def test_unusual_texts_give_sensible_results(model: tuple[str, ...], tmp_path: Path) -> None:
    texts = {
        "empty": "",
        "blank": " \n\t ",
        "long": "rash after abc with pain. " * 600,
        "one sentence": "rash after abc " * 1000,
        "chemical": "abc-(" * 100 + "x" * 20 + ")-y" * 100,
        "one word": "q" * 5000,
        "signs": "α → 𝔸\u0301 \x07 rash\u2028 after  abc.",
    }
    path, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    path.write_bytes(
        b"\n".join(orjson.dumps({"id": name, "text": text}) for name, text in texts.items())
    )
    for unit in ("sentence", "document"):
        result = run(path, "-o", output, *model, "--unit", unit)
        assert result.exit_code == 0, result.stderr
        found = {item["id"]: Extraction.from_record(item) for item in records(output)}
        assert {name: item.text for name, item in found.items()} == texts
        assert not found["empty"].mentions
        assert not found["blank"].mentions
        starts = [mention.start for mention in found["long"].mentions]
        assert min(starts) < 100
        assert max(starts) > len(texts["long"]) - 100
        assert [mention.id for mention in found["long"].mentions] == [
            f"T{number}" for number in range(1, len(starts) + 1)
        ]


def test_a_truncated_input_gives_what_was_whole(model: tuple[str, ...], tmp_path: Path) -> None:
    citations = "".join(
        f"<PubmedArticle><MedlineCitation><PMID>{number}</PMID><Article><ArticleTitle>rash after "
        f"abc {number * 7919 % 10007}.</ArticleTitle></Article></MedlineCitation></PubmedArticle>"
        for number in range(1, 401)
    )
    stored = gzip.compress(f"<PubmedArticleSet>{citations}</PubmedArticleSet>".encode())
    path, output = tmp_path / "cut.xml.gz", tmp_path / "out.jsonl"
    path.write_bytes(stored[: len(stored) // 6])
    result = run(path, "-o", output, *model)
    assert result.exit_code == 1
    found = records(output)
    assert 5 < len(found) < 200
    assert [item["id"] for item in found] == [str(number) for number in range(1, len(found) + 1)]
    (failure,) = records(tmp_path / "out.jsonl.failures.jsonl")
    assert failure["position"] == len(found) + 1
    assert "truncated" in failure["reason"]


def test_a_document_that_breaks_the_model_is_set_aside(
    corpus: Path, model: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keci.prediction import Predictor

    whole = Predictor.predict

    def fragile(self: Predictor, texts: Any) -> list[Extraction]:
        if any("kinase" in text.document.text for text in texts):
            raise RuntimeError("too much")
        return whole(self, texts)

    monkeypatch.setattr(Predictor, "predict", fragile)
    result = run(corpus, "-o", tmp_path / "out.jsonl", *model)
    assert result.exit_code == 1
    failures = records(tmp_path / "out.jsonl.failures.jsonl")
    assert [(f["source"], f["position"], f["id"]) for f in failures] == [
        (str(corpus), 3, "d2"), (str(corpus), 5, ""), (str(corpus), 8, "d7"),
        (str(corpus), 13, "d12"),
    ]  # fmt: skip
    assert failures[0]["reason"] == "RuntimeError: too much"
    assert len(records(tmp_path / "out.jsonl")) == 10


def test_every_input_format_can_be_named() -> None:
    from keci.corpus import readers

    assert INPUT_FORMATS == readers.INPUT_FORMATS


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--resume",), "--resume needs an output that stays"),
        (("-o", "{tmp}/out", "--output-dir", "{tmp}/dir"), "exclude each other"),
        (("-o", "{tmp}/out", "--failures", "x"), "--failures is for standard output"),
        (("-o", "{tmp}/absent/out"), "there is no folder"),
        (("-o", "{tmp}"), "it is a folder"),
        (("-o", "{tmp}/out", "--output-format", "csv"), "unknown format 'csv'"),
        (("--shard", "3/2"), "K/N"),
        (("--sample", "7"), "share"),
        (("--max-failures", "x"), "number of failures"),
        (("--kb", "{tmp}", "--no-kb"), "exclude each other"),
    ],
)
def test_impossible_wishes_are_refused(
    corpus: Path, tiny_bundle: Path, tmp_path: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    given = [item.format(tmp=tmp_path) for item in arguments]
    result = run(corpus, "--model", tiny_bundle, *given)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_pipe_cannot_be_resumed(model: tuple[str, ...], tmp_path: Path) -> None:
    result = run("-", "-o", tmp_path / "out", "--resume", *model, text=b"")
    assert result.exit_code == 2
    assert "can be read again" in result.stderr


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
    assert "options.unit: sentence -> document" in changed.stderr
    last = run(corpus, *stopped, "--resume")
    assert last.exit_code == 1
    assert "14 records read, 13 written, 1 failed" in last.stderr
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")
    again = run(corpus, *stopped, "--resume")
    assert again.exit_code == 1
    assert "finished already" in again.stderr


def _interrupt_after(chunks: int, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    add = Meter.add

    def add_and_interrupt(self: Meter, chunk: Any) -> None:
        add(self, chunk)
        if self.documents + self.failed == chunks * CHUNK_RECORDS:
            signal.raise_signal(number)

    monkeypatch.setattr(Meter, "add", add_and_interrupt)


def test_a_full_disk_says_how_to_go_on(
    corpus: Path, model: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keci.corpus.run_output import RunOutput

    def full(self: RunOutput, chunk: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(RunOutput, "add", full)
        result = run(corpus, "-o", tmp_path / "out.jsonl", *model)
    assert result.exit_code == 2
    assert "No space left on device; the same command with --resume" in result.stderr
    assert run(corpus, "-o", tmp_path / "out.jsonl", *model, "--resume").exit_code == 1


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


def test_a_file_with_the_name_of_a_subcommand_is_read_as_a_path(
    corpus: Path, model: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    corpus.rename(tmp_path / "verify")
    assert len(run("./verify", *model).stdout.splitlines()) == 13
    assert len(run(*model, "verify").stdout.splitlines()) == 13
    assert run("verify").exit_code == 2


def test_help_names_the_subcommands() -> None:
    shown = run("--help").stdout
    for name in ("verify", "merge", "report"):
        assert f"  {name} " in shown
        assert f"keci-extract {name}" in run(name, "--help").stdout
    assert "INPUT" in run().stderr


def test_failed_records_are_tried_again(
    corpus: Path, model: tuple[str, ...], tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    run(corpus, "-o", output, *model)
    corpus.write_bytes(corpus.read_bytes().replace(b"{bad", b'{"id": "d4", "text": "rash"}'))
    result = run("--retry-failures", output, "-o", tmp_path / "again.jsonl", *model)
    assert result.exit_code == 0, result.stderr
    assert [item["id"] for item in records(tmp_path / "again.jsonl")] == ["d4"]
    assert run("--retry-failures", tmp_path / "again.jsonl", *model).exit_code == 2


def test_limit_sample_and_dry_run(corpus: Path, model: tuple[str, ...]) -> None:
    assert len(run(corpus, "--limit", "3", *model).stdout.splitlines()) == 3
    sampled = run(corpus, "--sample", "50%", *model).stdout
    assert 0 < len(sampled.splitlines()) < 13
    assert run(corpus, "--sample", "50%", *model).stdout == sampled
    counted = run(corpus, "--dry-run", "--model", "no-such-model")
    assert counted.exit_code == 1
    row = next(line for line in counted.stdout.splitlines() if " 14 " in line)
    assert " 1 " in row
    assert "record 5" in counted.stderr
    assert run(corpus, "--dry-run", "--limit", "2").exit_code == 0


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
    monkeypatch.setattr(extract_progress, "LOG_SECONDS", 0.0)
    result = run(corpus, "-o", tmp_path / "out.jsonl", *model)
    assert "INFO 4 records, " in result.stderr
    assert "/s, 100% read" in result.stderr
    quiet = run(corpus, "-o", tmp_path / "out.jsonl", *model, "--quiet")
    assert quiet.stderr == ""


def test_progress_is_a_bar_on_a_terminal(
    corpus: Path, model: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extract_progress, "show_progress", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    result = run(corpus, "-o", tmp_path / "out.jsonl", *model)
    assert "━" in result.stderr
    assert "14 records" in result.stderr


def test_remaining_time_is_judged_by_bytes() -> None:
    assert extract_progress.clock_time(370) == "0:06:10"
    assert extract_progress.clock_time(100 * 3600 + 1) == "100:00:01"


def test_other_formats_go_to_stdout_too(corpus: Path, model: tuple[str, ...]) -> None:
    result = run(corpus, "--output-format", "pubtator", *model)
    assert result.stdout.startswith("d0|t|rash after abc.\n")
    compressed = run(corpus, "--output-format", "jsonl.gz", *model)
    assert len(gzip.decompress(compressed.stdout_bytes).splitlines()) == 13


SCRIPT = "import sys; from keci.cli.extract import main; main()"


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
    from keci.corpus.stream import CorpusReader

    def fail(*_: object) -> None:
        raise KeciError("as told")

    monkeypatch.setattr(CorpusReader, "read", fail)
    result = run(corpus, *model)
    assert (result.exit_code, result.stderr.strip()) == (2, "Error: as told")
