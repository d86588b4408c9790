from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.corpus.run.manifest import (
    FileFacts,
    Manifest,
    describe_inputs,
    differences,
    file_facts,
    read_manifest,
)
from keci.errors import DataError
from keci.formats.stream import Source

FACTS = FileFacts("part-00001.jsonl", 3, 10, "0" * 64)
WITHDRAWN = FileFacts("withdrawn.jsonl", 2, 10, "0" * 64)
MANIFEST = Manifest(
    {"options": {"shard": "2/3"}, "inputs": []},
    [FACTS, FACTS],
    failures=None,
    withdrawn_records=WITHDRAWN,
    superseded=1,
    read=26,
    taken=24,
    repeated=5,
)
VALUES = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)
"""Without None, which counts as if the field were absent."""


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(MANIFEST.encode())
    assert read_manifest(path) == MANIFEST
    assert (MANIFEST.written, MANIFEST.failed, MANIFEST.taken_here) == (6, 0, 8)
    assert (MANIFEST.withdrawn, MANIFEST.superseded, MANIFEST.deleted) == (2, 1, 1)


def test_other_files_are_no_manifest(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    with pytest.raises(DataError, match="was the run finished"):
        read_manifest(path)
    record = orjson.loads(MANIFEST.encode())
    for content in (b"{", b"[]", b"{}", orjson.dumps({**record, "parts": [{}]})):
        path.write_bytes(content)
        with pytest.raises(DataError, match="no manifest of a run"):
            read_manifest(path)
    path.write_bytes(orjson.dumps({**record, "format": 99}))
    with pytest.raises(DataError, match="format 99, expected 2"):
        read_manifest(path)


def test_files_are_described(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_facts(path, 2) == FileFacts("a", 2, 3, sha256)
    assert describe_inputs([Source(str(path)), Source("-")]) == [
        {"name": str(path), "bytes": 3, "sha256": sha256},
        {"name": "stdin", "bytes": None, "sha256": None},
    ]


@given(one=VALUES, other=VALUES)
def test_there_are_differences_where_values_differ(one: object, other: object) -> None:
    assert list(differences(one, one)) == []
    assert bool(list(differences(one, other))) == (one != other) or str(one) == str(other)


def test_differences_name_their_place() -> None:
    old = {"a": {"b": 1}, "c": [1, {"d": 2}], "e": [1], "f": None}
    new = {"a": {"b": 2}, "c": [1, {"d": 3}], "e": [1, 2], "g": 5}
    assert list(differences(old, new)) == [
        "a.b: 1 -> 2", "c[2].d: 2 -> 3", "e: 1 of them -> 2", "g: None -> 5",
    ]  # fmt: skip
