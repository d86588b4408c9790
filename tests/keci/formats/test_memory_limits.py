"""What costs a reader more memory than its bytes: escapes, short words, dictionaries."""

import io
import lzma
import tracemalloc
import zlib
from pathlib import Path

import pytest

from keci.documents import Document, Failure
from keci.errors import DataError
from keci.formats.json import parse_json
from keci.formats.limits import checked_document
from keci.formats.parquet import read_parquet
from keci.formats.stream import ContentStream, ReadOptions

OPTIONS = ReadOptions()


def test_escapes_are_passed_over_without_being_kept() -> None:
    content = b"[" * 150 + b'"' + rb"\"" * 500_000 + b'"' + b",[]" * 60 + b"]" * 150
    tracemalloc.start()
    parse_json(content, OPTIONS)
    with pytest.raises(DataError, match="deeper"):
        parse_json(b"[" * 60 + content, OPTIONS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * len(content), "it was 60 times as much"


def test_short_words_are_not_all_held_at_once() -> None:
    text = "ab " * 1_000_000
    tracemalloc.start()
    assert isinstance(checked_document(Document("1", text), "x", 1, OPTIONS), Document)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize("before", [0, 1, 7, 8, 9, 15, 40])
@pytest.mark.parametrize("length", [7, 8, 9, 16, 17, 30])
@pytest.mark.parametrize("behind", ["", " a b", "\n" * 20])
def test_a_long_word_is_found_wherever_it_lies(before: int, length: int, behind: str) -> None:
    text = ("a " * before)[:before].rstrip() + " " + "x" * length + behind
    found = checked_document(Document("1", text), "x", 1, ReadOptions(max_word_characters=8))
    assert isinstance(found, Failure) == (length > 8)
    if isinstance(found, Failure):
        assert found.reason.startswith(f"a word of {length} characters")


def _read(content: bytes) -> bytes:
    stream = ContentStream(io.BufferedReader(io.BytesIO(content)), OPTIONS)
    parts = []
    while chunk := stream.read():
        parts.append(chunk)
    return b"".join(parts)


def test_xz_streams_are_read_as_the_library_does() -> None:
    one, two = lzma.compress(b"abc" * 100_000), lzma.compress(b"")
    three = lzma.compress(b"xyz")
    for content in (one, one + three, two + one, two):
        assert _read(content) == lzma.decompress(content)
    assert _read(one + b"\0" * 8 + three + b"\0" * 4) == b"abc" * 100_000 + b"xyz"


def test_a_declared_dictionary_beyond_the_limit_is_refused() -> None:
    content = bytearray(lzma.compress(b"abc" * 1000, check=lzma.CHECK_NONE))
    assert _read(bytes(content)) == b"abc" * 1000
    with pytest.raises(DataError, match="ends early"):
        _read(bytes(content[:-10]))
    header = bytes(content[12:24])
    assert header[4] == 22, "the byte of the size of the dictionary, 8 MiB by default"
    large = header[:4] + bytes([40]) + header[5:8]
    content[12:24] = large + zlib.crc32(large).to_bytes(4, "little")
    with pytest.raises(DataError, match="limit"):
        _read(bytes(content))


def test_a_value_that_many_rows_of_a_table_share_is_held_once(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    text = "rash after aspirin " * 50_000
    shared = arrow.DictionaryArray.from_arrays(arrow.array([0] * 2000, arrow.int32()), [text])
    parquet.write_table(arrow.table({"text": shared}), tmp_path / "in.parquet")
    before = arrow.default_memory_pool().max_memory()
    with (tmp_path / "in.parquet").open("rb") as file:
        rows = read_parquet(ContentStream(file, OPTIONS), "x", OPTIONS)
        assert all(row == Document(f"x:{number}", text) for number, row in enumerate(rows, 1))
    assert arrow.default_memory_pool().max_memory() - before < 50_000_000, "it was 950 MB"


def test_a_table_that_packs_what_no_text_packs_is_refused(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = arrow.table({"text": ["x" * 40_000_000, "rash"], "other": ["a", "b"]})
    parquet.write_table(table, tmp_path / "in.parquet", compression="zstd")
    with (tmp_path / "in.parquet").open("rb") as file:
        (failure,) = read_parquet(ContentStream(file, OPTIONS), "x", OPTIONS)
    assert isinstance(failure, Failure)
    assert "row group 1 packs 40" in failure.reason
    assert "more than 200 times as many" in failure.reason
