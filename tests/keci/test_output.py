import contextlib
import gzip
import os
from pathlib import Path

import pytest

from keci.errors import UsageError
from keci.files import OutputFile, whole_file


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"old")
    with OutputFile(str(path)) as output:
        output.write(b"new")
        output.flush()
        assert path.read_bytes() == b"old"
        assert output.partial_path.read_bytes() == b"new"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["out.jsonl"]


def test_an_exception_keeps_the_partial_file(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    output = OutputFile(str(path))
    with contextlib.suppress(KeyboardInterrupt), output:
        output.write(b"some")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == ["out.jsonl.partial"]
    assert output.partial_path.read_bytes() == b"some"


def test_gzip_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    for name in ("a.gz", "b.gz"):
        with OutputFile(str(tmp_path / name)) as output:
            output.write(b"content" * 100)
    stored = [(tmp_path / name).read_bytes() for name in ("a.gz", "b.gz")]
    assert stored[0] == stored[1]
    assert gzip.decompress(stored[0]) == b"content" * 100


def test_a_link_is_written_through(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    with OutputFile(str(link)) as output:
        output.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_device_is_written_to_directly() -> None:
    with OutputFile(os.devnull) as output:
        output.write(b"gone")
    assert not Path(os.devnull).is_file()


def test_standard_output_stays_open(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    for content in (b"one\n", b"two\n"):
        with OutputFile("-") as output:
            output.write(content)
    assert capsysbinary.readouterr().out == b"one\ntwo\n"


def test_an_impossible_output_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent" / "out.jsonl", tmp_path):
        with pytest.raises(UsageError, match="cannot write to"):
            OutputFile(str(path))


def test_a_whole_file_keeps_the_mode_and_follows_no_link(tmp_path: Path) -> None:
    target, victim = tmp_path / "out", tmp_path / "victim"
    target.touch()
    target.chmod(0o600)
    with whole_file(target) as file:
        file.write(b"text")
    assert target.read_bytes() == b"text"
    assert target.stat().st_mode & 0o777 == 0o600
    victim.write_bytes(b"mine")
    (tmp_path / "out.partial").symlink_to(victim)
    with pytest.raises(UsageError, match="cannot write to"), whole_file(target):
        pass
    assert victim.read_bytes() == b"mine"
