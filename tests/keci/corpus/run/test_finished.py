"""Finished runs, verified."""

import zipfile
from pathlib import Path

import pytest

from keci.corpus.run.finished import open_finished, output_files, problems, read_output
from keci.corpus.run.layout import file_layout, folder_layout
from keci.errors import DataError
from keci.pipeline import write
from tests.keci.corpus.corpora import run_corpus
from tests.keci.corpus.outputs.examples import EXAMPLE


def problems_of(output: Path) -> list[str]:
    return list(problems(open_finished(output)))


def test_an_untouched_output_has_no_problems(corpus: Path, output: Path, tmp_path: Path) -> None:
    assert problems_of(output) == []
    for form in ("jsonl", "bioc", "bioc-xml", "pubtator.zst", "brat"):
        path = tmp_path / f"one.{form}"
        run_corpus([corpus], file_layout(path, form))
        assert problems_of(path) == []


def test_every_change_is_found(output: Path) -> None:
    part = output / "part-00002.jsonl.gz"
    whole = part.read_bytes()
    part.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert any("part-00002.jsonl.gz was changed" in problem for problem in problems_of(output))
    part.unlink()
    assert problems_of(output) == ["part-00002.jsonl.gz is missing"]
    part.write_bytes(whole)
    (output / "failures.jsonl").write_bytes(b"")
    (output / "note.txt").touch()
    first, second = problems_of(output)
    assert "failures.jsonl was changed" in first
    assert second == "note.txt is no file of this run"


def test_wrong_counts_and_offsets_are_found_behind_right_hashes(
    corpus: Path, tmp_path: Path
) -> None:
    import orjson

    from keci.corpus.run.manifest import file_facts

    path, manifest = tmp_path / "one.jsonl", tmp_path / "one.jsonl.run.json"
    run_corpus([corpus], file_layout(path, None))
    record = orjson.loads(manifest.read_bytes())

    def with_content(content: bytes) -> list[str]:
        path.write_bytes(content)
        facts = file_facts(path, record["parts"][0]["records"])
        changed = {**record, "parts": [{**record["parts"][0], "sha256": facts.sha256,
                                        "bytes": facts.bytes}]}  # fmt: skip
        manifest.write_bytes(orjson.dumps(changed))
        return problems_of(path)

    lines = path.read_bytes().splitlines(keepends=True)
    assert with_content(b"".join(lines)) == []
    (problem,) = with_content(b"".join(lines[1:]))
    assert "records, expected" in problem
    (problem,) = with_content(lines[0].replace(b'"start":0', b'"start":1') + b"".join(lines[1:]))
    assert "is not text[1:5]" in problem


@pytest.mark.parametrize("form", ["brat", "xmi"])
def test_an_unpacked_archive_is_an_output(form: str, tmp_path: Path) -> None:
    if form == "xmi":
        pytest.importorskip("cassis")
    write([EXAMPLE], tmp_path / f"out.{form}.zip")
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(tmp_path / f"out.{form}.zip") as archive:
        archive.extractall(folder)
    assert list(read_output(folder)) == list(read_output(tmp_path / f"out.{form}.zip"))
    assert set(output_files(folder)) == set(folder.iterdir())


def test_a_run_of_brat_in_a_folder_is_a_run(corpus: Path, tmp_path: Path) -> None:
    layout = folder_layout(tmp_path / "out", "brat", 5)
    run_corpus([corpus], layout)
    expected = list(open_finished(layout.folder).extractions())
    (layout.folder / "mine.ann").touch()
    assert list(read_output(layout.folder)) == expected


def test_an_unfinished_replacement_is_found(corpus: Path, tmp_path: Path) -> None:
    layout = file_layout(tmp_path / "one.jsonl", None)
    run_corpus([corpus], layout)
    assert run_corpus([corpus], layout, stop_after=1) is None
    assert problems_of(layout.part(1)) == ["one.jsonl.journal tells of a run that is not finished"]


def test_what_is_not_finished_cannot_be_opened(corpus: Path, tmp_path: Path) -> None:
    layout = file_layout(tmp_path / "one.jsonl", None)
    run_corpus([corpus], layout, stop_after=1)
    with pytest.raises(DataError, match="was the run finished"):
        open_finished(layout.spool(1))
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(DataError, match="no manifest of a run"):
        open_finished(tmp_path)
