from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keci.corpus.run.journal import Journal, encode_entry, read_history, read_journal
from keci.errors import DataError
from keci.files import Disk

ENTRIES = [{"run": {"a": 1}}, {"state": {"text": "line\nbreak"}}, {"state": {"n": 3}}]
VALUES = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 9))


def entries_of(path: Path) -> list[object]:
    return [entry for entry, _ in read_journal(path)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(entries=st.lists(VALUES, max_size=4))
def test_what_was_appended_is_read(tmp_path: Path, entries: list[dict[str, int]]) -> None:
    path = tmp_path / "journal"
    journal = Journal(path, Disk())
    for entry in entries:
        journal.append(entry)
    journal.close()
    assert entries_of(path) == entries
    sizes = [size for _, size in read_journal(path)]
    assert sizes[-1:] == [path.stat().st_size] * bool(entries)


def test_a_torn_end_is_left_out_wherever_it_is_torn(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    whole = b"".join(map(encode_entry, ENTRIES))
    ends = [0, *(size for size in map(len, map(encode_entry, ENTRIES)))]
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        kept = sum(length >= sum(ends[: place + 1]) for place in range(1, len(ends)))
        assert entries_of(path) == ENTRIES[:kept]


def test_a_changed_byte_ends_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    whole = bytearray(b"".join(map(encode_entry, ENTRIES)))
    whole[len(encode_entry(ENTRIES[0])) + 20] ^= 1
    path.write_bytes(whole)
    assert entries_of(path) == ENTRIES[:1]


@pytest.mark.parametrize("garbage", [b"", b"\x00" * 4096, b"deadbeef {}\n", b"no journal\n"])
def test_other_content_has_no_entries(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "journal"
    path.write_bytes(garbage)
    assert entries_of(path) == []
    assert entries_of(tmp_path / "absent") == []


def test_appending_goes_on_after_the_last_whole_entry(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(encode_entry(ENTRIES[0]) + b"torn")
    journal = Journal(path, Disk(), len(encode_entry(ENTRIES[0])))
    journal.append(ENTRIES[1])
    journal.close()
    assert entries_of(path) == ENTRIES[:2]


@pytest.mark.parametrize(
    "entry",
    [
        {"run": []}, {"run": {}}, {"run": {"options": {"shard": "3/2"}}}, {"state": {}},
        {"state": {"cursor": 1}}, {"publishing": {"name": "../x"}}, {"part": None}, [1], 7,
    ],
)  # fmt: skip
def test_an_entry_with_a_right_checksum_is_still_read_by_field(
    tmp_path: Path, entry: object
) -> None:
    path = tmp_path / "x.journal"
    path.write_bytes(encode_entry(entry))
    with pytest.raises(DataError, match="line 1"):
        read_history(path)
