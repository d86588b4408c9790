"""Whatever the command line says, no input is written over and nothing is half begun."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from keci.errors import UsageError
from keci.knowledge.base.store import open_knowledge_base
from keci.knowledge.choice import foreign_mentions
from keci.runtime import shipped
from tests.cli.extraction import contents, run, standard_input

pytestmark = pytest.mark.usefixtures("_as_before", "_small_chunks")
RECORD = b'{"id": "a", "text": "rash after abc"}\n'


@pytest.mark.parametrize(
    ("source", "arguments"),
    [
        ("x.failures.jsonl", ("-o", "x")),
        ("x.withdrawn.jsonl", ("-o", "x")),
        ("x.run.json", ("-o", "x")),
        ("x.partial", ("-o", "x")),
        ("x.journal", ("-o", "x")),
        ("x.census", ("-o", "x")),
        ("x.failures.jsonl.partial", ("-o", "x")),
        ("x.parquet.converted.partial", ("-o", "x.parquet")),
        ("x", ("-o", "y", "--metrics", "x")),
        ("x.partial", ("-o", "y", "--metrics", "x")),
        ("x", ("-o", "-", "--failures", "x")),
        ("x.partial", ("-o", "-", "--failures", "x")),
        ("x", ("-o", "hard")),
        ("x", ("-o", "hard", "--resume")),
        ("x", ("-o", "hard", "--overwrite")),
    ],
)
def test_no_input_is_written_over(
    model: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str,
    arguments: tuple[str, ...],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path(source).write_bytes(RECORD)
    os.link(source, "hard")
    before = contents(tmp_path)
    result = run(source, "--input-format", "jsonl", *arguments, *model)
    assert result.exit_code == 2, result.output
    assert "which is read" in result.stderr or "where the output goes" in result.stderr
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("source", "arguments"),
    [
        ("-", ("-o", "x", "--overwrite")),
        ("-", ("-o", "y", "--metrics", "x")),
        ("-", ("-o", "-", "--failures", "x")),
        ("file://{folder}/x", ("-o", "x", "--overwrite")),
        ("local://{folder}/x", ("-o", "y", "--metrics", "x")),
        ("x", ("-o", "file://{folder}/x", "--overwrite", "--work-dir", "{folder}/work")),
        ("x.failures.jsonl", ("-o", "file://{folder}/x", "--work-dir", "{folder}/work")),
        ("file://{folder}/x", ("-o", "file://{folder}/./x", "--work-dir", "{folder}/work")),
        ("x.txt", ("-o", "y", "--metrics", "bundle/int8/graph")),
        ("x.txt", ("-o", "-", "--failures", "bundle/int8/graph")),
        ("x.txt", ("-o", "y", "--metrics", "base/deep/table")),
        ("x.txt", ("-o", "y", "--metrics", "base.vectors/v/table")),
    ],
)
def test_nothing_that_is_read_is_written_over_however_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KECI_KB", "base")
    inputs = ("x", "x.failures.jsonl", "x.txt")
    others = (
        "bundle/manifest.json",
        "bundle/int8/graph",
        "base/deep/table",
        "base.vectors/v/table",
    )
    for name in (*inputs, *others):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(RECORD)
    given = [each.format(folder=tmp_path) for each in (source, *arguments)]
    with standard_input(Path("x")):
        result = run(*given, "--input-format", "jsonl", "--model", "bundle")
    assert result.exit_code == 2, result.output
    assert "which is read" in result.stderr or "where the output goes" in result.stderr
    assert all(Path(name).read_bytes() == RECORD for name in (*inputs, *others))


def test_a_shipped_model_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "MODELS_FOLDER", tmp_path / "models")
    for name in ("manifest.json", "int8/graph"):
        path = tmp_path / "models" / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(RECORD)
    (tmp_path / "x.txt").write_text("rash")
    given = (tmp_path / "x.txt", "--model", "mine", "--no-kb", "-o", tmp_path / "y")
    result = run(*given, "--metrics", path)
    assert result.exit_code == 2
    assert "which is read" in result.stderr
    assert path.read_bytes() == RECORD


@pytest.mark.parametrize("name", ["x", "x.partial", "x.journal", "x.run.json"])
def test_links_beside_the_output_are_refused(
    corpus: Path, model: tuple[str, ...], tmp_path: Path, name: str
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    if name == "x":
        (tmp_path / "x").symlink_to(corpus)
    else:
        (tmp_path / name).symlink_to(victim)
    result = run(corpus, "-o", tmp_path / "x", *model)
    assert result.exit_code == 2
    assert victim.read_text() == "mine"


def test_metrics_replace_no_pipe_and_are_no_output(
    corpus: Path, model: tuple[str, ...], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "out.jsonl", "absent/metrics"):
        given = ("-o", tmp_path / "out.jsonl", "--metrics", tmp_path / name)
        result = run(corpus, *given, *model)
        assert result.exit_code == 2
        assert result.stderr.count("\n") == 1
        assert not (tmp_path / "out.jsonl").exists()
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_a_journal_that_is_no_file_is_refused(
    corpus: Path, model: tuple[str, ...], tmp_path: Path, kind: str
) -> None:
    journal = tmp_path / "out.journal"
    journal.mkdir() if kind == "folder" else os.mkfifo(journal)
    result = run(corpus, "-o", tmp_path / "out", *model)
    assert result.exit_code == 2
    assert "is in the way" in result.stderr
    assert result.stderr.count("\n") == 1


def test_names_too_long_are_refused_in_one_short_line(
    corpus: Path, model: tuple[str, ...], tmp_path: Path
) -> None:
    for arguments in ((corpus, "-o", tmp_path / ("x" * 250)), ("y" * 5000, "-o", tmp_path / "x")):
        result = run(*arguments, *model)
        assert result.exit_code == 2
        assert result.stderr.count("\n") == 1
        assert len(result.stderr) < 600
    assert [path.name for path in tmp_path.iterdir()] == [corpus.name]


def test_a_private_output_stays_private(
    corpus: Path, model: tuple[str, ...], tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    output.touch(mode=0o600)
    output.chmod(0o600)
    assert run(corpus, "-o", output, *model).exit_code == 1
    assert output.stat().st_size
    for path in tmp_path.glob("out.jsonl*"):
        assert path.stat().st_mode & 0o777 == 0o600, path.name


def test_an_output_that_is_read_while_it_grows_is_refused(tmp_path: Path, corpus: Path) -> None:
    before = corpus.read_bytes()
    with corpus.open("ab") as appended:
        result = subprocess.run(
            [sys.executable, "-c", "from keci.cli.extract.command import main; main()", corpus],
            stdout=appended, stderr=subprocess.PIPE, timeout=120, check=False,
        )  # fmt: skip
    assert result.returncode == 2
    assert b"which is read" in result.stderr
    assert corpus.read_bytes() == before


def test_damaged_manifests_are_told_by_their_field(
    corpus: Path, model: tuple[str, ...], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    run(corpus, "-o", output, *model)
    path = tmp_path / "out.run.json"
    sound = orjson.loads(path.read_bytes())
    for change, field in (
        ({"parts": [{**sound["parts"][0], "name": "/dev/zero"}]}, "name"),
        ({"parts": [{**sound["parts"][0], "bytes": "9"}]}, "bytes"),
        ({"run": {**sound["run"], "options": {}}}, "shard"),
        ({"run": 7}, "run"),
        ({"records": []}, "records"),
        ({"failures": [3]}, "failures"),
    ):
        path.write_bytes(orjson.dumps({**sound, **change}))
        for command in (("verify", output), ("report", output), ("merge", output, "-o", "m")):
            result = run(*command)
            assert result.exit_code == 2, result.output
            assert field in result.stderr
            assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--limit", "1" + "0" * 30), ("--threads", "9" * 5_000),
        ("--part-records", "1" + "0" * 400),
        ("--metrics", ""), ("--work-dir", ""), ("--limit", "nan"), ("--min-entity-score", "nan"),
        ("--sample", "nan"), ("--sample", "inf"), ("--max-failures", "nan%"), ("--shard", "1/0"),
        ("-o", "memory://x"),
        ("--set", "max_expansion=nan"), ("--set", "max_record_bytes=1e999"),
    ],
)  # fmt: skip
def test_numbers_and_names_that_are_none_are_told(
    corpus: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    result = run(corpus, "-o", tmp_path / "out", "--no-kb", "--model", "ade", *arguments)
    assert result.exit_code == 2, result.output
    assert len(result.stderr) < 1_000
    assert [path.name for path in tmp_path.iterdir()] == [corpus.name]


def test_a_name_with_line_breaks_is_told_on_one_line(tmp_path: Path) -> None:
    for name in (f"{tmp_path}/x\n00:00:00 ERROR forged\x1b[31m", "x\ny*"):
        result = run(name, "-o", tmp_path / "out", "--no-kb", "--model", "ade")
        assert result.exit_code == 2
        assert result.stderr.count("\n") == 1
        assert result.stderr.rstrip("\n").isprintable()


def test_mentions_out_of_a_device_are_refused(corpus: Path, tiny_kb_folder: Path) -> None:
    os.mkfifo(pipe := corpus.with_name("pipe"))
    for mentions in (pipe, Path("/dev/zero")):
        result = run(corpus, "-o", corpus.with_name("out"), "--mentions", mentions)
        assert result.exit_code == 2
        assert "it has to be a file" in result.stderr
        with pytest.raises(UsageError, match="it has to be a file"):
            foreign_mentions(mentions, open_knowledge_base(tiny_kb_folder))
