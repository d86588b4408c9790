"""Inputs as byte streams: files or standard input, decompressed where their content says so."""

import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from keci.corpus.compression import (
    LONGEST_MAGIC,
    READ_ERRORS,
    ByteStream,
    decompressed,
    read_problem,
)
from keci.errors import DataError, UsageError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

STDIN = "-"
HEAD_SIZE = 16384
"""Bytes of decompressed content that format detection sees."""

CHUNK_SIZE = 1 << 16
EXCERPT_LENGTH = 200
BOM = b"\xef\xbb\xbf"
MAX_EXPANSION = 1000
UNCHECKED_BYTES = 64 << 20
"""Decompressed bytes before the expansion is looked at."""


def excerpt(content: bytes) -> str:
    """The beginning of a record, readable whatever its bytes are."""
    return content[: 4 * EXCERPT_LENGTH].decode("utf-8", "replace")[:EXCERPT_LENGTH]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How records are read: field names of jsonl, and limits against hostile input.

    ``max_expansion`` is how many times its compressed size an input may have.
    """

    text_field: str = "text"
    id_field: str = "id"
    max_record_bytes: int = 64 << 20
    max_expansion: int = MAX_EXPANSION


@dataclass(frozen=True, slots=True)
class Source:
    """An input as the user named it; ``-`` is standard input."""

    path: str

    @property
    def name(self) -> str:
        """The path as valid Unicode, for messages and records."""
        if self.is_stdin:
            return "stdin"
        return os.fsencode(self.path).decode("utf-8", "backslashreplace")

    @property
    def is_stdin(self) -> bool:
        return self.path == STDIN

    @property
    def is_regular(self) -> bool:
        return not self.is_stdin and Path(self.path).is_file()

    def check(self) -> None:
        """Raises UsageError where the input cannot be opened at all."""
        if self.is_stdin:
            return
        if not Path(self.path).exists():
            raise UsageError(f"the input {self.name} does not exist")
        if not os.access(self.path, os.R_OK):
            raise UsageError(f"the input {self.name} cannot be read: permission denied")

    def open(self, options: ReadOptions) -> "ContentStream":
        """The decompressed content; raises DataError where the input cannot be opened."""
        try:
            raw = _standard_input() if self.is_stdin else _file(self.path)
            return ContentStream(raw, options.max_expansion)
        except OSError as error:
            raise DataError(f"cannot open the input: {error.strerror or error}") from error


class ContentStream:
    """Decompressed bytes with a look at their beginning; every read error is a DataError."""

    def __init__(self, raw: ByteStream, max_expansion: int = MAX_EXPANSION) -> None:
        self._raw = raw
        self._max_expansion = max_expansion
        magic, self._error = _read_up_to(raw, LONGEST_MAGIC)
        self._stored = _Replayed(magic, raw)
        self._content = decompressed(io.BufferedReader(self._stored, CHUNK_SIZE), magic)
        self.head = b""
        if self._error is None:
            self.head, self._error = _read_up_to(self._content, HEAD_SIZE)
        self._unread = self.head
        self._size = len(self.head)

    @property
    def content_head(self) -> bytes:
        """The head without a byte order mark."""
        return self.head.removeprefix(BOM)

    @property
    def stored_size(self) -> int:
        """Bytes taken from the input so far, before decompression."""
        return self._stored.size

    def read(self) -> bytes:
        """The next bytes, empty at the end; raises DataError where the input is damaged."""
        if self._unread:
            unread, self._unread = self._unread, b""
            return unread
        if self._error is None:
            try:
                return self._measured(self._content.read1(CHUNK_SIZE))
            except READ_ERRORS as error:
                self._error = error
        raise DataError(read_problem(self._error)) from self._error

    def _measured(self, chunk: bytes) -> bytes:
        self._size += len(chunk)
        if self._size > max(UNCHECKED_BYTES, self._max_expansion * self._stored.size):
            raise DataError(
                f"the compressed input expands beyond the limit of {self._max_expansion} times "
                "its size"
            )
        return chunk

    def close(self) -> None:
        if self._raw is not _standard_input():
            self._raw.close()

    def __enter__(self) -> "ContentStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Replayed(io.RawIOBase):
    """A stream whose first bytes were already taken."""

    def __init__(self, taken: bytes, rest: ByteStream) -> None:
        self._taken, self._rest = taken, rest
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer).cast("B")
        chunk = self._taken[: len(view)] or self._rest.read1(len(view))
        self._taken = self._taken[len(view) :]
        self.size += len(chunk)
        view[: len(chunk)] = chunk
        return len(chunk)


def _standard_input() -> ByteStream:
    return cast(ByteStream, sys.stdin.buffer)


def _file(path: str) -> ByteStream:
    return io.BufferedReader(io.FileIO(path))


def _read_up_to(stream: ByteStream, size: int) -> tuple[bytes, Exception | None]:
    """At most ``size`` bytes, fewer only at the end or before the error given with them."""
    parts: list[bytes] = []
    missing = size
    try:
        while missing and (part := stream.read1(missing)):
            parts.append(part)
            missing -= len(part)
    except READ_ERRORS as error:
        return b"".join(parts), error
    return b"".join(parts), None
