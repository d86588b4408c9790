"""Inputs as byte streams: files or standard input, decompressed where their content says so."""

import codecs
import io
import os
import re
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from keci.errors import DataError, UsageError
from keci.printable import printable
from keci.stores import is_url, open_url, state_of

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from keci.formats.xml_limits import Growth
import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
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


XZ_MEMORY = 160 << 20
"""A dictionary of 128 MiB is the largest that is taken; ``xz -9`` has one of 64 MiB."""

_XZ_PADDING = b"\x00"


class XzStream:
    """The content of xz streams behind each other, within ``XZ_MEMORY`` of memory.

    ``lzma.LZMAFile`` takes whatever dictionary a file declares, up to 4 GiB.
    """

    def __init__(self, stored: io.BufferedReader) -> None:
        self._stored = stored
        self._decoder: lzma.LZMADecompressor | None = None
        self._waiting = b""

    def read1(self, size: int, /) -> bytes:
        """The next bytes; raises LZMAError or EOFError where the file is damaged or too large."""
        while True:
            if self._decoder is None and not self._begin():
                return b""
            decoder = cast(lzma.LZMADecompressor, self._decoder)
            if decoder.needs_input and not self._waiting:
                self._waiting = self._stored.read1(CHUNK_SIZE)
                if not self._waiting:
                    raise EOFError("the xz stream has no end")
            content = decoder.decompress(self._waiting, size)
            self._waiting = b""
            if decoder.eof:
                self._waiting, self._decoder = decoder.unused_data, None
            if content:
                return content

    def _begin(self) -> bool:
        """Make ready for the next stream, past padding; False where there is none."""
        while not self._waiting:
            self._waiting = self._stored.read1(CHUNK_SIZE)
            if not self._waiting:
                return False
            self._waiting = self._waiting.lstrip(_XZ_PADDING)
        self._waiting = self._waiting.lstrip(_XZ_PADDING)
        if self._waiting:
            self._decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)
        return bool(self._waiting) or self._begin()

    def close(self) -> None:
        self._stored.close()


OPENERS: tuple[tuple[re.Pattern[bytes], Callable[[io.BufferedReader], ByteStream]], ...] = (
    (re.compile(rb"\x1f\x8b"), lambda stream: gzip.GzipFile(fileobj=stream)),
    (re.compile(rb"BZh[1-9](?:1A|\x17r)"), bz2.BZ2File),
    (re.compile(rb"\xfd7zXZ\x00"), lambda stream: XzStream(stream)),
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


STDIN = "-"
HEAD_SIZE = 16384
"""Bytes of decompressed content that format detection sees."""

CHUNK_SIZE = 1 << 16
EXCERPT_LENGTH = 200
KEPT_BYTES = 64 << 10
"""A record that fails is kept whole up to this size."""

BOM = b"\xef\xbb\xbf"
_IN_MEMORY = 64 << 20
UNCHECKED_BYTES = 64 << 20
"""Decompressed bytes before the expansion is looked at."""

_OTHER_ENCODING = re.compile(rb"\s*<\?xml[^>]*encoding=['\"](?!utf-?8)", re.IGNORECASE)


def excerpt(content: bytes) -> str:
    """The beginning of a record, readable whatever its bytes are."""
    return content[: 4 * EXCERPT_LENGTH].decode("utf-8", "replace")[:EXCERPT_LENGTH]


def kept(content: bytes) -> bytes:
    """The record itself where it is small, else nothing."""
    return content if len(content) <= KEPT_BYTES else b""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How records are read: field names of jsonl, and limits against hostile input.

    ``metadata`` keeps what the source says beside the text.
    ``max_expansion`` is how many times its compressed size an input may have, ``max_input_bytes``
    what it may have once decompressed. ``max_xml_elements`` is for a record, ``max_xml_names`` (of
    elements and attributes) for an input, as names stay in memory. ``max_word_characters`` bounds a
    run without white space.
    What is no UTF-8, is half of a surrogate pair, or a NUL character, makes its record fail, is
    replaced by U+FFFD, or (NUL) kept; ``keci.formats.limits`` has the choices. ``tables`` says
    whether the cells of tables in full text are skipped or read, a row in a line.
    """

    text_field: str = "text"
    id_field: str = "id"
    metadata: bool = True
    max_record_bytes: int = 64 << 20
    max_expansion: int = 1000
    max_input_bytes: int = 1 << 40
    max_xml_depth: int = 200
    max_xml_elements: int = 1_000_000
    max_xml_names: int = 10_000
    max_json_depth: int = 200
    max_word_characters: int = 100_000
    max_id_characters: int = 1000
    invalid_utf8: str = "fail"
    lone_surrogates: str = "fail"
    nul: str = "fail"
    tables: str = "skip"

    @property
    def text_fields(self) -> tuple[str, ...]:
        """The fields whose texts make a document's, joined by blank lines."""
        return tuple(filter(None, map(str.strip, self.text_field.split(","))))


@dataclass(frozen=True, slots=True)
class Deletion:
    """An input's word that the record with this id, read before, is no longer valid."""

    id: str


@dataclass(frozen=True, slots=True)
class Source:
    """An input as the user named it, a path or a URL; ``-`` is standard input."""

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
        """Whether it can be read again; a URL names a file, or ``check`` would have said so."""
        return not self.is_stdin and (self.is_url or Path(self.path).is_file())

    @property
    def is_url(self) -> bool:
        """Whether it lies in a store that ``keci.stores`` opens."""
        return is_url(self.path)

    @property
    def is_there(self) -> bool:
        """Whether it is a file that exists."""
        try:
            return self.state() is not None
        except OSError:
            return False

    def state(self) -> tuple[int, int | str] | None:
        """Size in bytes and what tells of a change; None where it is no file.

        Raises OSError where a file is gone, or its store cannot be asked.
        """
        if self.is_url:
            return state_of(self.path)
        if not self.is_regular:
            return None
        found = Path(self.path).stat()
        return found.st_size, found.st_mtime_ns

    def check(self) -> None:
        """Raises UsageError where the input cannot be opened at all."""
        if self.is_stdin:
            return
        if self.is_url:
            try:
                state_of(self.path)
            except OSError as error:
                name, reason = printable(self.name), printable(error)
                raise UsageError(f"the input {name} cannot be read: {reason}") from error
            return
        if not Path(self.path).exists():
            raise UsageError(f"the input {printable(self.name)} does not exist")
        if not os.access(self.path, os.R_OK):
            raise UsageError(f"the input {printable(self.name)} cannot be read: permission denied")

    def open_stored(self) -> io.BufferedReader:
        """The bytes of a file or URL as they are stored; raises OSError."""
        return open_url(self.path) if self.is_url else io.BufferedReader(io.FileIO(self.path))

    def open(self, options: ReadOptions) -> "ContentStream":
        """The decompressed content; raises DataError where the input cannot be opened."""
        try:
            raw = _standard_input() if self.is_stdin else self.open_stored()
            return ContentStream(raw, options)
        except OSError as error:
            raise DataError(f"cannot open the input: {error.strerror or error}") from error


@dataclass(slots=True)
class Relay:
    """What the readers of one stream leave to each other, where it holds XML of several formats.

    ``formats`` are those that are read, by their root elements. At the ``roots`` of others a reader
    stops, ``next_root`` is the one where it did. ``position`` counts the records before; ``growth``
    is what XML has cost so far.
    """

    formats: Mapping[str, str] = field(default_factory=dict)
    roots: frozenset[str] = frozenset()
    next_root: str = ""
    position: int = 0
    growth: "Growth | None" = None


class ContentStream:
    """Decompressed bytes with a look at their beginning; every read error is a DataError.

    ``left_out`` is what a reader passed over that a person sees, by kind.
    """

    def __init__(self, raw: ByteStream, options: ReadOptions | None = None) -> None:
        self._raw = raw
        self._options = options or ReadOptions()
        magic, self._error = _read_up_to(raw, LONGEST_MAGIC)
        self._stored = _Replayed(magic, raw)
        self._content = decompressed(io.BufferedReader(self._stored, CHUNK_SIZE), magic)
        self.head = b""
        if self._error is None:
            self.head, self._error = _read_up_to(self._content, HEAD_SIZE)
        self._size = len(self.head)
        is_mended = self._options.invalid_utf8 == "replace" and not _OTHER_ENCODING.match(self.head)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace") if is_mended else None
        self._unread = self._mended(self.head)
        self.left_out: Counter[str] = Counter()
        self.relay = Relay()

    def leave(self, rest: bytes, root: str) -> None:
        """Give back what was read from a root element on that is another reader's."""
        self._unread = rest + self._unread
        self.head = rest[:HEAD_SIZE]
        self.relay.next_root = root

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
                return self._next()
            except READ_ERRORS as error:
                self._error = error
        raise DataError(read_problem(self._error)) from self._error

    def _next(self) -> bytes:
        """The next bytes as they are to be read; a chunk may end inside a character."""
        while True:
            chunk = self._content.read1(CHUNK_SIZE)
            self._measure(len(chunk))
            mended = self._mended(chunk)
            if mended or not chunk:
                return mended

    def _mended(self, chunk: bytes) -> bytes:
        if self._decoder is None:
            return chunk
        return self._decoder.decode(chunk, final=not chunk).encode()

    def _measure(self, size: int) -> None:
        self._size += size
        limits = self._options
        if self._size > limits.max_input_bytes:
            raise DataError(
                f"the input is longer than the limit of {limits.max_input_bytes:,} bytes"
            )
        if self._size > max(UNCHECKED_BYTES, limits.max_expansion * self._stored.size):
            raise DataError(
                f"the compressed input expands beyond the limit of {limits.max_expansion} times "
                "its size"
            )

    def close(self) -> None:
        if self._raw is not _standard_input():
            self._raw.close()

    def __enter__(self) -> "ContentStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


NO_LIMIT = sys.maxsize
"""Of records that KECI has written itself."""


def content_of(file: BinaryIO) -> ContentStream:
    """What is left of an open file, for readers of streams."""
    return ContentStream(cast(ByteStream, file))


@contextmanager
def spooled(stream: ContentStream) -> Iterator[IO[bytes]]:
    """All of a stream as a file to seek in, for formats that have their directory at the end.

    Up to 64 MiB it is in memory, else on the disk for temporary files.
    """
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        while chunk := stream.read():
            file.write(chunk)
        file.seek(0)
        yield cast(IO[bytes], file)


def is_hidden(name: str) -> bool:
    """Whether a file of an archive or folder is hidden, as those are that macOS adds."""
    return PurePosixPath(name).name.startswith(".")


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
