"""Documents out of JSON lines: one object a line, with the text and identifier in named fields."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from keci.corpus.jsontext import parse_json
from keci.corpus.sources import BOM, ContentStream, ReadOptions, excerpt, kept
from keci.documents import Document, Failure
from keci.errors import DataError

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
