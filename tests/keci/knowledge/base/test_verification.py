import os
from pathlib import Path

import pytest

from keci.errors import KnowledgeBaseError
from keci.knowledge.base.folder import verify_on_first_use, write_folder
from keci.knowledge.base.store import KnowledgeBase


@pytest.fixture
def folder(small_kb: KnowledgeBase, tmp_path: Path) -> Path:
    path = tmp_path / "kb"
    write_folder(small_kb.tables, path, description=small_kb.manifest.description)
    return path


def test_hashes_are_checked_once(folder: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    assert verify_on_first_use(folder, notes=notes)
    assert not verify_on_first_use(folder, notes=notes)


def test_a_changed_file_is_checked_again(folder: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    verify_on_first_use(folder, notes=notes)
    path = folder / "names.utf8"
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))
    with pytest.raises(KnowledgeBaseError, match=r"names\.utf8"):
        verify_on_first_use(folder, notes=notes)


def test_a_missing_file_is_named(folder: Path, tmp_path: Path) -> None:
    (folder / "names.utf8").unlink()
    with pytest.raises(KnowledgeBaseError, match=r"names\.utf8 is missing"):
        verify_on_first_use(folder, notes=tmp_path / "notes")


def test_notes_that_cannot_be_written_do_no_harm(folder: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert verify_on_first_use(folder, notes=blocked / "notes")
    assert verify_on_first_use(folder, notes=blocked / "notes")
