"""Decompression by content: gzip, bzip2, xz and Zstandard, each in a stream of bounded reads."""

import bz2
import gzip
import io
import lzma
import re
import sys
import zlib
from collections.abc import Callable
from typing import Protocol

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LONGEST_MAGIC = 6
SUFFIXES = (".gz", ".bz2", ".xz", ".zst")
READ_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError)


class ByteStream(Protocol):
    """A byte stream whose ``read1`` never holds back bytes that came before an error."""

    def read1(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


OPENERS: tuple[tuple[re.Pattern[bytes], Callable[[io.BufferedReader], ByteStream]], ...] = (
    (re.compile(rb"\x1f\x8b"), lambda stream: gzip.GzipFile(fileobj=stream)),
    (re.compile(rb"BZh[1-9](?:1A|\x17r)"), bz2.BZ2File),
    (re.compile(rb"\xfd7zXZ\x00"), lzma.LZMAFile),
    (re.compile(rb"\x28\xb5\x2f\xfd"), zstd.ZstdFile),
)


def decompressed(stream: io.BufferedReader, magic: bytes) -> ByteStream:
    """The content of a stream that begins with ``magic``: itself where that is no compression."""
    for beginning, opener in OPENERS:
        if beginning.match(magic):
            return opener(stream)
    return stream


def read_problem(error: Exception) -> str:
    """What a failed read means to the user."""
    if isinstance(error, EOFError):
        return "the compressed input ends early (truncated file)"
    is_system_error = isinstance(error, OSError) and error.errno is not None
    if is_system_error:
        return f"the input cannot be read: {error}"
    return f"the compressed input is damaged: {error}"
