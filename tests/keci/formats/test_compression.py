import bz2
import gzip
import io
import lzma
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.formats.stream import LONGEST_MAGIC, OPENERS, decompressed, read_problem

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

COMPRESSORS = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
}


def compresses(content: bytes) -> bool:
    return any(beginning.match(content) for beginning, _ in OPENERS)


@pytest.mark.parametrize("name", COMPRESSORS)
@given(content=st.binary(), members=st.integers(1, 3))
def test_content_comes_out_as_it_went_in(name: str, content: bytes, members: int) -> None:
    stored = COMPRESSORS[name](content) * members
    assert compresses(stored)
    stream = decompressed(io.BufferedReader(io.BytesIO(stored)), stored[:LONGEST_MAGIC])
    parts = []
    while part := stream.read1(100):
        parts.append(part)
    assert b"".join(parts) == content * members


@pytest.mark.parametrize("content", [b"", b"BZh is a name", b"\x1f", b"plain"])
def test_other_content_stays(content: bytes) -> None:
    stream = io.BufferedReader(io.BytesIO(content))
    assert decompressed(stream, content[:LONGEST_MAGIC]) is stream


def test_problems_are_told_apart() -> None:
    assert "truncated" in read_problem(EOFError())
    assert "damaged: bad" in read_problem(zlib.error("bad"))
    assert "cannot be read: [Errno 5] broken disk" in read_problem(OSError(5, "broken disk"))
