"""What is read and where results go, and what makes no sense."""

from pathlib import Path

import pytest

from tests.cli.extraction import records, run

pytestmark = pytest.mark.usefixtures("_as_before", "_small_chunks")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--resume",), "--resume needs an output that stays"),
        (("-o", "{tmp}/out", "--output-dir", "{tmp}/dir"), "exclude each other"),
        (("-o", "{tmp}/out", "--failures", "x"), "--failures is for standard output"),
        (("-o", "{tmp}/absent/out"), "there is no folder"),
        (("-o", "{tmp}"), "it is a folder"),
        (("-o", "{tmp}/in.jsonl"), "lies where the output goes"),
        (("--output-dir", "{tmp}"), "lies where the output goes"),
        (("-o", "{tmp}/out", "--output-format", "docx"), "unknown format 'docx'"),
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


def test_failed_records_are_tried_again_from_what_was_kept(
    corpus: Path, model: tuple[str, ...], tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    run("-", "-o", output, *model, text=b'{"id": "x", "body": "rash"}\n{"id": "y", "text": ""}\n')
    result = run("--retry-failures", output, "--text-field", "body", *model)
    assert result.exit_code == 0, result.stderr
    assert "the records are read from" in result.stderr
    assert b'{"id":"x","text":"rash"' in result.stdout_bytes


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


def test_what_is_left_out_is_told(model: tuple[str, ...], tmp_path: Path) -> None:
    article = tmp_path / "x.nxml"
    back = "<back><ref-list><ref>Doe</ref></ref-list><ack><p>We thank.</p></ack></back>"
    article.write_text(f"<article><front/><body><p>A rash.</p></body>{back}</article>")
    done = run(article, "-o", tmp_path / "x.jsonl", *model)
    assert "left out of the texts: 2 parts of back matter" in done.stderr


def test_the_least_certain_are_picked_while_it_runs(
    corpus: Path, model: tuple[str, ...], tmp_path: Path
) -> None:
    whole, later, picked = (tmp_path / f"{name}.jsonl" for name in ("whole", "later", "picked"))
    sample = ("--sample", "uncertain", "3")
    assert run(corpus, "-o", whole, *model).exit_code == 1
    run("convert", whole, "-o", later, *sample)
    result = run(corpus, "-o", picked, *sample, *model)
    assert result.exit_code == 1
    assert "3 written, 1 failed, 10 more certain ones left out" in result.stderr
    assert picked.read_bytes() == later.read_bytes()
    assert len(records(tmp_path / "picked.jsonl.failures.jsonl")) == 1
    streamed = run(corpus, *sample, *model)
    assert streamed.stdout.encode() == later.read_bytes()
    few = run(corpus, "--limit", "2", "--sample", "uncertain", "50", *model)
    assert len(few.stdout.splitlines()) == 2


@pytest.mark.parametrize(
    "given", [("-o", "{tmp}/out", "--resume"), ("--output-dir", "{tmp}/out"), ("--resume",)]
)
def test_a_sample_is_one_file_that_is_written_at_once(
    corpus: Path, model: tuple[str, ...], tmp_path: Path, given: tuple[str, ...]
) -> None:
    options = [item.format(tmp=tmp_path) for item in given]
    refused = run(corpus, *options, "--sample", "uncertain", "3", *model)
    assert refused.exit_code == 2
    assert "one file" in refused.stderr
    assert not (tmp_path / "out").exists()


def test_a_sample_does_not_take_the_file_of_a_run(
    corpus: Path, model: tuple[str, ...], tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    run(corpus, "-o", output, *model)
    before = output.read_bytes()
    refused = run(corpus, "-o", output, "--sample", "uncertain", "3", *model)
    assert refused.exit_code == 2
    assert "another run" in refused.stderr
    assert output.read_bytes() == before


def test_a_sample_that_is_stopped_writes_nothing(
    corpus: Path, model: tuple[str, ...], tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    options = ("--sample", "uncertain", "3", "--max-failures", "0")
    assert run(corpus, "-o", output, *options, *model).exit_code == 1
    left = [path.name for path in tmp_path.iterdir() if path.name.startswith("out")]
    assert left == ["out.jsonl.failures.jsonl"]
