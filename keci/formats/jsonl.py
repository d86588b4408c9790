"""Documents out of JSON lines: one object a line, with the text and identifier in named fields."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO, Self

import orjson

from keci.documents import Document, Extraction, Failure
from keci.errors import DataError
from keci.files import OutputFile
from keci.formats.json import parse_json
from keci.formats.stream import BOM, ContentStream, ReadOptions, excerpt, kept

JSON_KINDS: dict[type, str] = {
    bool: "a boolean",
    dict: "an object",
    float: "a number",
    int: "a number",
    list: "an array",
    str: "a string",
    type(None): "null",
}


def read_jsonl(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    """The documents in order; blank lines are skipped, a bad line becomes a Failure.

    An integer identifier is read as its digits; a record without one is called
    ``source:position``.
    """
    position = 0
    try:
        for number, line in enumerate(read_lines(stream, options.max_record_bytes), start=1):
            if line and not line.isspace():
                position += 1
                place = _Place(source, position, number)
                yield _read_record(line, place=place, options=options)
    except DataError as error:
        yield Failure(source, position + 1, "", str(error))


def read_lines(stream: ContentStream, limit: int) -> Iterator[bytes]:
    """The lines without their ends; of one longer than ``limit`` bytes, its first ``limit + 1``."""
    pending: list[bytes] = []
    pending_size = 0
    chunk = stream.read().removeprefix(BOM)
    while chunk:
        *complete, rest = chunk.split(b"\n")
        for line in complete:
            yield (b"".join(pending) + line)[: limit + 1]
            pending, pending_size = [], 0
        if pending_size <= limit:
            pending.append(rest)
            pending_size += len(rest)
        chunk = stream.read()
    if pending_size:
        yield b"".join(pending)[: limit + 1]


@dataclass(frozen=True, slots=True)
class _Place:
    source: str
    position: int
    line: int


def _read_record(line: bytes, *, place: _Place, options: ReadOptions) -> Document | Failure:
    record_id = ""
    try:
        record = _parse(line, options)
        record_id = _identifier(record, options.id_field, f"{place.source}:{place.position}")
        return Document(record_id, _text(record, options.text_field))
    except DataError as error:
        reason = f"line {place.line}: {error}"
        source, position = place.source, place.position
        original = kept(line) if len(line) <= options.max_record_bytes else b""
        return Failure(source, position, record_id, reason, excerpt(line), original)


def _parse(line: bytes, options: ReadOptions) -> dict[str, Any]:
    limit = options.max_record_bytes
    if len(line) > limit:
        raise DataError(f"the record is longer than the limit of {limit:,} bytes")
    record = parse_json(line, options)
    if not isinstance(record, dict):
        raise DataError(f"expected a JSON object, got {_kind(record)}")
    return record


def _identifier(record: dict[str, Any], name: str, default: str) -> str:
    value = record.get(name)
    if value is None:
        return default
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise DataError(f"the field {name!r} must be a non-empty string, got {_kind(value)}")
    return value


def _text(record: dict[str, Any], name: str) -> str:
    if name not in record:
        raise DataError(
            f"the field {name!r} is missing; there are {', '.join(sorted(record)[:20])}"
        )
    value = record[name]
    if not isinstance(value, str):
        raise DataError(f"the field {name!r} must be a string, got {_kind(value)}")
    return value


def _kind(value: object) -> str:
    """What JSON calls a value."""
    if value == "":
        return "an empty string"
    return JSON_KINDS[type(value)]


def write(extractions: Iterable[Extraction], file: BinaryIO) -> None:
    for extraction in extractions:
        file.write(encode(extraction))


def encode(extraction: Extraction) -> bytes:
    """The line of a record; raises DataError where JSON cannot hold it (lone surrogates)."""
    try:
        return orjson.dumps(extraction.to_record(), option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError as error:
        raise DataError(f"document {extraction.id!r} cannot be written: {error}") from error


def read(file: BinaryIO) -> Iterator[Extraction]:
    """The records in order; raises DataError on a line that is none."""
    for number, line in enumerate(file, start=1):
        try:
            yield Extraction.from_record(orjson.loads(line))
        except (orjson.JSONDecodeError, DataError) as error:
            raise DataError(f"line {number}: {error}") from error


class JsonlWriter:
    """Writes extractions to a file, which appears when it is whole, or to standard output (``-``).

    ``count`` is the number of records written. Raises UsageError where the output cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self._output = OutputFile(path)
        self.count = 0

    def write(self, extraction: Extraction) -> None:
        """Write a record; raises DataError, having written nothing, where JSON cannot hold it."""
        try:
            line = orjson.dumps(extraction.to_record(), option=orjson.OPT_APPEND_NEWLINE)
        except orjson.JSONEncodeError as error:
            raise DataError(f"document {extraction.id!r} cannot be written: {error}") from error
        self._output.write(line)
        self.count += 1

    def flush(self) -> None:
        self._output.flush()

    def close(self) -> None:
        """Finish the file and put it in place."""
        self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._output.__exit__(kind, error, trace)
