import logging
from pathlib import Path

import pytest

from keci.errors import UsageError
from keci.formats.read import expand_inputs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.txt", "a.xml.gz", "deep/er/c.JSONL.zst", ".hidden/d.txt", ".e.txt", "f.ann"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_a_folder_is_its_files_by_name(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    expected = [str(folder / name) for name in ("a.xml.gz", "b.txt", "deep/er/c.JSONL.zst")]
    assert expand_inputs([str(folder)]) == expected
    assert "1 files of other kinds are left out" in caplog.text
    assert caplog.records[0].levelno == logging.WARNING


def test_a_pattern_is_its_matches_by_name(folder: Path) -> None:
    assert expand_inputs([str(folder / "*.*")]) == [
        str(folder / name) for name in ("a.xml.gz", "b.txt", "f.ann")
    ]
    assert expand_inputs([str(folder / "**" / "c*")]) == [str(folder / "deep/er/c.JSONL.zst")]


def test_files_stdin_and_missing_names_stay(folder: Path) -> None:
    odd = folder / "odd[1].txt"
    odd.touch()
    inputs = [str(folder / "f.ann"), "-", str(folder / "absent"), str(odd)]
    assert expand_inputs(inputs) == inputs


def test_inputs_without_a_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file matches"):
        expand_inputs([str(tmp_path / "*.xml")])
    with pytest.raises(UsageError, match="has no file that ends in"):
        expand_inputs([str(tmp_path)])
