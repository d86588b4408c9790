import gzip
import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.corpus.sources import CHUNK_SIZE, HEAD_SIZE, ContentStream, Source
from keci.errors import DataError, UsageError


def stream_of(content: bytes) -> ContentStream:
    return ContentStream(io.BufferedReader(io.BytesIO(content)))


def read_all(stream: ContentStream) -> tuple[bytes, str]:
    """Everything that comes before the end or the error, and the error's message."""
    content = b""
    try:
        while chunk := stream.read():
            content += chunk
    except DataError as error:
        return content, str(error)
    return content, ""


@given(st.binary(), st.booleans(), st.integers(1, 3))
def test_content_comes_out_as_it_went_in(content: bytes, compressed: bool, members: int) -> None:
    if compressed:
        assert read_all(stream_of(gzip.compress(content) * members)) == (content * members, "")
    elif not content.startswith(b"\x1f\x8b"):
        assert read_all(stream_of(content)) == (content, "")


@pytest.mark.parametrize("size", [HEAD_SIZE - 1, HEAD_SIZE, HEAD_SIZE + 1, 3 * CHUNK_SIZE + 7])
def test_the_head_is_not_lost(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    for stored in (content, gzip.compress(content)):
        stream = stream_of(stored)
        assert stream.head == content[:HEAD_SIZE]
        assert read_all(stream) == (content, "")


@pytest.mark.parametrize("kept", [2, 9, 20, 0.3, 0.9])
def test_a_truncated_gzip_gives_what_came_before_the_cut(kept: float) -> None:
    content = os.urandom(300_000)
    stored = gzip.compress(content)
    cut = kept if isinstance(kept, int) else int(kept * len(stored))
    got, problem = read_all(stream_of(stored[:cut]))
    assert content.startswith(got)
    assert len(got) >= cut - CHUNK_SIZE
    assert "truncated" in problem


def test_a_damaged_gzip_gives_what_came_before_and_keeps_failing() -> None:
    content = os.urandom(300_000)
    stored = bytearray(gzip.compress(content))
    stored[len(stored) // 2 : len(stored) // 2 + 8] = b"\xff" * 8
    stream = stream_of(bytes(stored))
    assert "damaged" in read_all(stream)[1]
    assert read_all(stream)[0] == b""


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        Source(str(tmp_path / "absent")).check()
    with pytest.raises(UsageError, match="is a folder"):
        Source(str(tmp_path)).check()
    with pytest.raises(DataError, match="cannot open"):
        Source(str(tmp_path / "absent")).open()


def test_a_name_that_is_not_unicode_stays_printable() -> None:
    name = Source(os.fsdecode(b"caf\xe9.txt")).name
    assert name == "caf\\xe9.txt"
