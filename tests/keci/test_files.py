from pathlib import Path

import pytest

from keci.errors import UsageError
from keci.files import Disk, DurableFile, Lock, publish


def test_a_file_is_cut_and_continued(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    file = Disk().open(path, 4)
    assert file.write(b"ab") == 2
    assert file.write(memoryview(b"cd")) == 2
    file.sync()
    assert path.read_bytes() == b"0123abcd"
    file.close()
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.writelines([b""])


def test_a_file_is_made_where_none_is(tmp_path: Path) -> None:
    file = DurableFile(tmp_path / "new", 0)
    file.write(b"")
    file.close()
    assert (tmp_path / "new").read_bytes() == b""


def test_published_content_replaces_what_was_there(tmp_path: Path) -> None:
    for content in (b"old", b"new"):
        publish(Disk(), tmp_path / "a.json", content)
        assert (tmp_path / "a.json").read_bytes() == content
        assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    Disk().remove(tmp_path / "absent")


def test_one_process_has_a_lock(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    path = tmp_path / "journal"
    lock = Lock(path)
    with pytest.raises(UsageError, match="another run is writing there"):
        Lock(path)
    lock.release()
    lock.release()
    assert not path.exists(), "nothing was written to it"
    path.write_bytes(b"x")
    Lock(path).release()
    assert path.read_bytes() == b"x"
