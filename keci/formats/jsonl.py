"""Documents out of JSON lines: one object a line, with the text and identifier in named fields.

An array of such objects, objects over several lines or several on one line are read alike.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Self

import orjson

from keci.documents import Document, Extraction, Failure
from keci.errors import DataError
from keci.files import OutputFile
from keci.formats.json import digits_of, frame_objects, parse_json, parse_lenient
from keci.formats.metadata import FIELDS, from_record
from keci.formats.stream import (
    BOM,
    NO_LIMIT,
    ContentStream,
    ReadOptions,
    content_of,
    excerpt,
    kept,
)

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

    An array of objects, objects over several lines and several on one are read, too. A number as
    identifier is read as its digits; a record without identifier is called ``source:position``; a
    text that is null is empty.
    """
    reader = _RecordReader(source, options, stream.left_out)
    position = 0
    try:
        for number, record in json_records(stream, options.max_record_bytes):
            position += 1
            yield reader.read(record, position, number)
    except DataError as error:
        yield Failure(source, position + 1, "", str(error))


def json_records(stream: ContentStream, limit: int) -> Iterator[tuple[int, bytes]]:
    """The bytes of each record with the number of its line, 0 where records are no lines.

    Blank lines are passed over.
    """
    head = stream.content_head
    if _ARRAY.match(head):
        return ((0, record) for record in frame_objects(stream, depth=1, limit=limit))
    if _spans_lines(head):
        return ((0, record) for record in frame_objects(stream, depth=0, limit=limit))
    return _records_of_lines(read_lines(stream, limit))


def _records_of_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(lines, start=1):
        if _SEVERAL.search(line):
            yield from ((number, record) for record in _objects_in(line))
        elif line and not line.isspace():
            yield number, line


def _objects_in(line: bytes) -> Iterator[bytes]:
    """Each value of a line of several, commas or spaces between them; the rest from damage on."""
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        pass
    else:
        yield line
        return
    text = line.decode("utf-8", "surrogateescape")
    start = 0
    while start < len(text):
        try:
            _, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = len(text)
        yield text[start:end].encode("utf-8", "surrogateescape")
        between = _BETWEEN.match(text, end)
        start = between.end() if between else end


_DECODER = json.JSONDecoder()
_SEVERAL = re.compile(rb"\}[ \t\r,]*+\{|\}[ \t\r]*+,[ \t\r]*+\Z")
_BETWEEN = re.compile(r"[ \t\r,]*")
_ARRAY = re.compile(rb"\s*+\[\s*+(?:\{|(?:\]\s*+)?\Z)")
_SPANNING = re.compile(rb'\s*(\{[^\n]*)\n\s*(["}])')


def _spans_lines(head: bytes) -> bool:
    """Whether the first object goes on in a second line with another of its fields."""
    found = _SPANNING.match(head)
    if found is None:
        return False
    try:
        orjson.loads(found.group(1))
    except orjson.JSONDecodeError:
        return True
    return False


def read_lines(stream: ContentStream, limit: int) -> Iterator[bytes]:
    """The lines without their ends; of one longer than ``limit`` bytes, its first ``limit + 1``."""
    pending: list[bytes] = []
    pending_size = 0
    chunk = stream.read().removeprefix(BOM)
    while chunk:
        *complete, rest = chunk.split(b"\n")
        for line in complete:
            if pending:
                line = b"".join((*pending, line))
                pending, pending_size = [], 0
            yield line if len(line) <= limit else line[: limit + 1]
        if pending_size <= limit:
            pending.append(rest)
            pending_size += len(rest)
        chunk = stream.read()
    if pending_size:
        yield b"".join(pending)[: limit + 1]


class _RecordReader:
    """Reads records of one input; ``line`` is 0 where records are no lines."""

    def __init__(self, source: str, options: ReadOptions, left_out: Counter[str]) -> None:
        self._source, self._options, self._left_out = source, options, left_out
        used = {*options.text_field.split(","), options.id_field}
        self._metadata_fields = FIELDS - used if options.metadata else frozenset()

    def read(self, content: bytes, position: int, line: int) -> Document | Failure:
        options, record_id = self._options, ""
        try:
            record = _parse(content, options)
            record_id = self._identifier(record, content, position)
            text = record.get(options.text_field)
            return Document(
                record_id,
                text if type(text) is str else text_of(record, options),
                from_record(record, self._metadata_fields),
            )
        except DataError as error:
            reason = f"line {line}: {error}" if line else str(error)
            original = kept(content) if len(content) <= options.max_record_bytes else b""
            beginning = excerpt(content)
            return Failure(self._source, position, record_id, reason, beginning, original)

    def _identifier(self, record: dict[str, Any], content: bytes, position: int) -> str:
        """The identifier; a number with a point or many digits as it is written."""
        value = record.get(self._options.id_field)
        if type(value) is str and value:
            return value
        if value is None and (unread := unread_ids(record, self._options)):
            self._left_out[unread] += 1
        if isinstance(value, float):
            record = parse_lenient(content)
        return identifier_in(record, self._options.id_field, f"{self._source}:{position}")


def _parse(line: bytes, options: ReadOptions) -> dict[str, Any]:
    limit = options.max_record_bytes
    if len(line) > limit:
        raise DataError(f"the record is longer than the limit of {limit:,} bytes")
    try:
        record = parse_json(line, options)
    except DataError:
        if not _NOT_A_NUMBER.search(line):
            raise
        record = parse_lenient(line)
    if not isinstance(record, dict):
        raise DataError(f"expected a JSON object, got {_kind(record)}")
    return record


_NOT_A_NUMBER = re.compile(rb"\b(?:NaN|Infinity)\b")


def identifier_in(record: Mapping[str, Any], name: str, default: str) -> str:
    """The identifier of a record; raises DataError where it is neither a string nor a number."""
    value = record.get(name)
    if value is None:
        return default
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    digits = digits_of(value)
    if digits is not None:
        return digits
    if isinstance(value, float):
        return default if value != value else str(int(value)) if value.is_integer() else str(value)
    if not isinstance(value, str) or not value:
        raise DataError(f"the field {name!r} must be a non-empty string, got {_kind(value)}")
    return value


def unread_ids(names: Iterable[str], options: ReadOptions) -> str:
    """What is passed over where another field than ``id_field`` has the identifiers, else empty."""
    names = list(names)
    if options.id_field in names:
        return ""
    likely = next((name for name in names if name.lower() in _LIKELY_IDS), "")
    return likely and f"identifiers in {likely} (--id-field {likely} reads them)"


_LIKELY_IDS = frozenset(
    ["_id", "article_id", "articleid", "corpusid", "doc_id", "docid", "document_id", "documentid",
     "doi", "id", "identifier", "paper_id", "paperid", "pmcid", "pmid", "record_id", "uid"]
)  # fmt: skip


def text_of(record: Mapping[str, Any], options: ReadOptions) -> str:
    """The text of a record; several fields are joined by blank lines, null is empty.

    Raises DataError where the fields are missing or no strings.
    """
    name = options.text_field
    if name in record:
        return _text(record, name)
    names = [field for field in options.text_fields if field in record]
    if not names:
        said = record.get("error")
        if isinstance(said, str) and said:
            raise DataError(f"the input is an error: {said}")
        raise without_text(f"the field {name!r} is missing", sorted(record), "field")
    return "\n\n".join(filter(None, (_text(record, field) for field in names)))


def without_text(problem: str, names: Sequence[str], kind: str) -> DataError:
    """The error for fields or columns (``kind``) of which none has the text.

    It names likely ones, the title first.
    """
    texts = [name for name in names if name.lower() in _LIKELY_TEXTS]
    likely = ",".join(sorted(texts, key=lambda name: "title" not in name.lower()))
    example = f", as --text-field {likely}" if likely else ""
    return DataError(
        f"{problem}; there are {', '.join(names[:20])} "
        f"(--text-field names the {kind} with the text{example})"
    )


_LIKELY_TEXTS = frozenset(
    ["abstract", "abstract_text", "abstracttext", "body", "content", "description", "note",
     "passage", "sentence", "summary", "text", "title"]
)  # fmt: skip


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record[name]
    if value is None:
        return ""
    if not isinstance(value, str) or digits_of(value) is not None:
        raise DataError(f"the field {name!r} must be a string, got {_kind(value)}")
    return value


def _kind(value: object) -> str:
    """What JSON calls a value; of other origins the name of its type."""
    if value == "":
        return "an empty string"
    if digits_of(value) is not None:
        return "a number"
    return JSON_KINDS.get(type(value), type(value).__name__)


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
    """The records in order, in any layout of JSON; raises DataError on one that is none."""
    records = json_records(content_of(file), NO_LIMIT)
    for position, (line, record) in enumerate(records, start=1):
        try:
            yield Extraction.from_record(orjson.loads(record))
        except (orjson.JSONDecodeError, DataError) as error:
            place = f"line {line}" if line else f"record {position}"
            raise DataError(f"{place}: {error}") from error


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

    def __exit__(self, kind: type[BaseException] | None, *others: object) -> None:
        self._output.__exit__(kind, *others)
