import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.errors import DataError, UsageError
from keci.formats.stream import CHUNK_SIZE, HEAD_SIZE, ContentStream, ReadOptions, Source
from tests.keci.formats.test_compression import COMPRESSORS, compresses

PLAIN = {"none": lambda content: content}


def stream_of(content: bytes, max_expansion: int = 1000) -> ContentStream:
    options = ReadOptions(max_expansion=max_expansion)
    return ContentStream(io.BufferedReader(io.BytesIO(content)), options)


def read_all(stream: ContentStream) -> tuple[bytes, str]:
    """Everything that comes before the end or the error, and the error's message."""
    parts = []
    try:
        while chunk := stream.read():
            parts.append(chunk)
    except DataError as error:
        return b"".join(parts), str(error)
    return b"".join(parts), ""


@given(st.binary())
def test_plain_content_comes_out_as_it_went_in(content: bytes) -> None:
    if not compresses(content):
        assert read_all(stream_of(content)) == (content, "")


@pytest.mark.parametrize("size", [HEAD_SIZE - 1, HEAD_SIZE, HEAD_SIZE + 1, 3 * CHUNK_SIZE + 7])
@pytest.mark.parametrize("name", [*COMPRESSORS, "none"])
def test_the_head_is_not_lost(name: str, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    stream = stream_of((COMPRESSORS | PLAIN)[name](content))
    assert stream.head == content[:HEAD_SIZE]
    assert read_all(stream) == (content, "")


@pytest.mark.parametrize("kept", [9, 20, 0.3, 0.9])
@pytest.mark.parametrize("name", COMPRESSORS)
def test_a_truncated_input_gives_what_came_before_the_cut(name: str, kept: float) -> None:
    content = os.urandom(1_200_000)
    stored = COMPRESSORS[name](content)
    cut = kept if isinstance(kept, int) else int(kept * len(stored))
    got, problem = read_all(stream_of(stored[:cut]))
    assert content.startswith(got)
    assert len(got) >= cut - 1_000_000
    assert "truncated" in problem


@pytest.mark.parametrize("name", COMPRESSORS)
def test_a_damaged_input_fails_and_keeps_failing(name: str) -> None:
    stored = bytearray(COMPRESSORS[name](os.urandom(300_000)))
    stored[2000:] = b"\xff" * len(stored[2000:])
    stream = stream_of(bytes(stored))
    assert "damaged" in read_all(stream)[1]
    assert read_all(stream)[0] == b""


@pytest.mark.parametrize("name", ["bzip2", "zstd"])
def test_expansion_is_limited(name: str) -> None:
    bomb = COMPRESSORS[name](b"x" * (100 << 20))
    got, problem = read_all(stream_of(bomb, max_expansion=100))
    assert len(got) <= 65 << 20
    assert "expands beyond the limit of 100 times" in problem


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        Source(str(tmp_path / "absent")).check()
    with pytest.raises(DataError, match="cannot open"):
        Source(str(tmp_path / "absent")).open(ReadOptions())


def test_a_name_that_is_not_unicode_stays_printable() -> None:
    name = Source(os.fsdecode(b"caf\xe9.txt")).name
    assert name == "caf\\xe9.txt"
