import json
import os
from pathlib import Path

import numpy as np
import pytest

from keci.errors import KnowledgeBaseError
from keci.knowledge.base.folder import Description, read_manifest, verify_folder, write_folder
from keci.knowledge.base.records import SourceRecord
from keci.knowledge.base.store import KnowledgeBase, open_knowledge_base


@pytest.fixture
def folder(small_kb: KnowledgeBase, tmp_path: Path) -> Path:
    path = tmp_path / "kb"
    source = SourceRecord("G", "Genes", "1", "CC0-1.0", "https://example.org")
    old = small_kb.manifest.description
    description = Description("small", old.type_names, old.relation_names, (source,))
    write_folder(small_kb.tables, path, description=description, build=lambda: {"seconds": 1.5})
    return path


def test_a_folder_answers_like_the_memory_it_was_written_from(
    small_kb: KnowledgeBase, folder: Path
) -> None:
    opened = open_knowledge_base(folder)
    assert len(opened) == len(small_kb)
    for index in range(len(small_kb)):
        assert opened.concept(index) == small_kb.concept(index)
    for name in ("cat", "tnfalpha", "proteinkinase", "absent"):
        assert opened.candidates(name).tolist() == small_kb.candidates(name).tolist()
    for mine, theirs in zip(opened.type_relations(), small_kb.type_relations(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert opened.manifest.build == {"seconds": 1.5}
    assert opened.manifest.description.sources[0].licence == "CC0-1.0"


def test_arrays_are_mapped_not_read(folder: Path) -> None:
    names = open_knowledge_base(folder).tables.posting_concepts
    assert not names.flags.writeable
    assert not names.flags.owndata


def test_a_whole_folder_passes_verification(folder: Path) -> None:
    assert verify_folder(folder).fingerprint == open_knowledge_base(folder).fingerprint


def test_no_folder_tells_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeBaseError, match="keci-kb build open"):
        open_knowledge_base(tmp_path / "nowhere")


@pytest.mark.parametrize("file", ["names.utf8", "posting_concepts.npy", "name_keys.marisa"])
def test_a_cut_file_is_refused_at_opening(folder: Path, file: str) -> None:
    path = folder / file
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(KnowledgeBaseError, match=f"{file}: expected .* bytes"):
        open_knowledge_base(folder)


def test_a_changed_byte_is_found_by_verification(folder: Path) -> None:
    path = folder / "names.utf8"
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)
    open_knowledge_base(folder)
    with pytest.raises(KnowledgeBaseError, match=r"names\.utf8: expected sha256"):
        verify_folder(folder)


def test_files_that_are_not_listed_are_refused(folder: Path) -> None:
    (folder / "note.txt").touch()
    with pytest.raises(KnowledgeBaseError, match=r"does not list: \['note.txt'\]"):
        open_knowledge_base(folder)
    with pytest.raises(KnowledgeBaseError, match="does not list"):
        verify_folder(folder)


def test_a_missing_file_and_a_link_are_refused(folder: Path) -> None:
    (folder / "xrefs.utf8").rename(folder / "elsewhere")
    with pytest.raises(KnowledgeBaseError, match=r"xrefs\.utf8 is missing"):
        open_knowledge_base(folder)
    os.symlink(folder / "elsewhere", folder / "xrefs.utf8")
    with pytest.raises(KnowledgeBaseError, match=r"xrefs\.utf8 is missing"):
        open_knowledge_base(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 99}, "version 99"),
        ({"format": "other"}, "found 'other'"),
        ({"name": "renamed"}, "fingerprint"),
        ({"counts": None}, "counts: expected an object"),
    ],
)
def test_a_changed_manifest_is_refused(
    folder: Path, change: dict[str, object], message: str
) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(KnowledgeBaseError, match=message):
        read_manifest(folder)


@pytest.mark.parametrize("content", ["", "[]", "{", "\x00"])
def test_a_manifest_that_is_no_object_is_refused(folder: Path, content: str) -> None:
    (folder / "manifest.json").write_text(content)
    with pytest.raises(KnowledgeBaseError):
        read_manifest(folder)


def test_a_folder_of_something_else_is_left_untouched(
    small_kb: KnowledgeBase, tmp_path: Path
) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(KnowledgeBaseError, match="left untouched"):
        write_folder(small_kb.tables, tmp_path, description=small_kb.manifest.description)
    assert (tmp_path / "letter.txt").read_text() == "mine"


def test_a_crash_leaves_no_folder_and_keeps_the_old_one(
    small_kb: KnowledgeBase, folder: Path
) -> None:
    before = read_manifest(folder).fingerprint

    def crash() -> dict[str, object]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_folder(
            small_kb.tables, folder, description=small_kb.manifest.description, build=crash
        )
    assert read_manifest(folder).fingerprint == before
    assert [path.name for path in folder.parent.iterdir()] == ["kb"]
