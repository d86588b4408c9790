"""Files in stores: memory:// stands for those that fsspec reaches."""

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from keci.errors import UsageError
from keci.stores import Store, expand_url, is_url, open_url, state_of


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


def test_urls_are_told_from_paths() -> None:
    assert is_url("s3://bucket/a")
    assert is_url("hdfs://host:8020/a")
    assert not is_url("/a//b")
    assert not is_url("C:\\a")
    assert not is_url("s3:/a")


def test_a_folder_gives_its_visible_files(memory: fsspec.AbstractFileSystem) -> None:
    for name in ("b.jsonl", "a.xml.gz", "sub/c.txt", ".hidden/d.txt"):
        memory.pipe(f"/in/{name}", b"x")
    inside = ["memory:///in/a.xml.gz", "memory:///in/b.jsonl", "memory:///in/sub/c.txt"]
    found = expand_url("memory://in")
    assert [url.rpartition("/in/")[2] for url in found] == [
        url.rpartition("/in/")[2] for url in inside
    ]
    assert [open_url(url).read() for url in found] == [b"x"] * 3
    assert len(expand_url("memory://in/*.jsonl")) == 1
    assert expand_url("memory://in/absent") == ["memory://in/absent"]


def test_a_change_is_seen(memory: fsspec.AbstractFileSystem) -> None:
    memory.pipe("/a", b"one")
    before = state_of("memory://a")
    memory.pipe("/a", b"four")
    assert before != state_of("memory://a")
    with pytest.raises(FileNotFoundError):
        state_of("memory://b")


@pytest.mark.parametrize("scheme", ["memory", "file"])
def test_files_are_stored_whole(
    memory: fsspec.AbstractFileSystem, tmp_path: Path, scheme: str
) -> None:
    """Where puts are atomic and where a file is renamed."""
    path = tmp_path / "part"
    store = Store(f"file://{tmp_path}/store" if scheme == "file" else "memory://store")
    assert store.names() == []
    for content in (b"old", b"newer"):
        path.write_bytes(content)
        store.put(path, "part-00001.jsonl")
        assert open_url(store.url_of("part-00001.jsonl")).read() == content
    assert store.names() == ["part-00001.jsonl"]
    assert store.size("part-00001.jsonl") == 5
    store.get("part-00001.jsonl", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"newer"
    store.remove("part-00001.jsonl")
    store.remove("part-00001.jsonl")
    assert store.size("part-00001.jsonl") is None


def test_an_unknown_store_is_told() -> None:
    with pytest.raises(UsageError, match="no store that fsspec knows"):
        open_url("nostore://x")
