"""Annotation files: which format one has, and its records with their places."""

import gzip
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import orjson

from keci.errors import DataError, UsageError
from keci.formats import bioc, pubtator

_BOM = b"\xef\xbb\xbf"
_GZIP_MAGIC = b"\x1f\x8b"
_BIOC_JSON = re.compile(rb'\s*\{[^\[]*"documents"\s*:\s*\[')
_PUBTATOR = re.compile(rb"\s*[^|\s]{1,100}\|t\|")

Read = TypeVar("Read")


class Format(StrEnum):
    """A layout of annotated documents."""

    KECI = "KECI jsonl"
    BIORELEX = "BioRelEx json"
    SPERT = "SpERT json"
    PUBTATOR = "PubTator"
    BIOC = "BioC"


def read_records(path: Path) -> tuple[Format, list[Any]]:
    """The format of a file, told by its content, and its parsed records.

    Those of PubTator are blocks of lines, those of BioC XML elements or objects. A file without
    records counts as KECI jsonl. Raises UsageError where the file cannot be read, DataError where
    it is in none of the formats.
    """
    content = _read(path).removeprefix(_BOM)
    try:
        if content.lstrip()[:1] == b"<":
            return Format.BIOC, bioc.xml_documents(content)
        if _BIOC_JSON.match(content):
            return Format.BIOC, bioc.json_documents(content)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    if _PUBTATOR.match(content):
        return Format.PUBTATOR, list(pubtator.blocks(content.split(b"\n")))
    if content.lstrip()[:1] == b"[":
        records = _parse_array(path, content)
    else:
        records = list(_parse_lines(path, content))
    return _format_of(path, records), records


def read_each(
    path: Path, records: Iterable[Any], read: Callable[[Any, int], Read]
) -> Iterator[Read]:
    """What ``read`` makes of each record and its ordinal; a DataError is told where it arose."""
    for number, record in enumerate(records, start=1):
        try:
            yield read(record, number)
        except DataError as error:
            raise DataError(f"{path}, record {number}: {error}") from error


def check_distinct(path: Path, ids: Iterable[str]) -> None:
    """Raise DataError where two records have one id."""
    seen: set[str] = set()
    for number, document_id in enumerate(ids, start=1):
        if document_id in seen:
            raise DataError(f"{path}, record {number}: a second record has the id {document_id!r}")
        seen.add(document_id)


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(_GZIP_MAGIC) else content
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}") from error
    except (OSError, EOFError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error


def _parse_array(path: Path, content: bytes) -> list[Any]:
    try:
        records: list[Any] = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise DataError(f"{path} is not valid json: {error}") from error
    return records


def _parse_lines(path: Path, content: bytes) -> Iterator[Any]:
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise DataError(f"{path}, line {number}: not valid json: {error}") from error


def _format_of(path: Path, records: list[Any]) -> Format:
    if not records:
        return Format.KECI
    first = records[0]
    if isinstance(first, dict):
        if "tokens" in first:
            return Format.SPERT
        if "interactions" in first:
            return Format.BIORELEX
        if "text" in first and "id" in first:
            return Format.KECI
    raise DataError(
        f"{path}, record 1: expected an object with 'tokens' ({Format.SPERT}), with 'interactions' "
        f"({Format.BIORELEX}) or with 'id' and 'text' ({Format.KECI}), or {Format.PUBTATOR} or "
        f"{Format.BIOC}, got {shown(first)}"
    )


Kind = TypeVar("Kind")


def field(record: Any, name: str, kind: type[Kind]) -> Kind:
    """The value called ``name``; raises DataError where it is missing or no ``kind``."""
    if not isinstance(record, Mapping):
        raise DataError(f"expected an object with the field {name!r}, got {shown(record)}")
    if name not in record:
        raise DataError(f"the field {name!r} is missing; there are {sorted(record)}")
    return checked(record[name], name, kind)


def checked(value: object, name: str, kind: type[Kind]) -> Kind:
    """``value``; raises DataError where it is no ``kind`` (a bool is no int)."""
    is_flag = isinstance(value, bool) and issubclass(int, kind)
    if is_flag or not isinstance(value, kind):
        raise DataError(f"{name!r} must be of type {kind.__name__}, got {shown(value)}")
    return value


def identifier(record: Any, name: str) -> str:
    """The value called ``name``, a string or a number; raises DataError where it is neither."""
    is_number = isinstance(record, Mapping) and isinstance(record.get(name), int)
    return str(field(record, name, int)) if is_number else field(record, name, str)


def indexed(items: tuple[Kind, ...], index: Any, name: str) -> Kind:
    """``items[index]``; raises DataError where there is no such item."""
    place = checked(index, name, int)
    if not 0 <= place < len(items):
        raise DataError(f"{name!r} is {place}, but there are {len(items)} to choose from")
    return items[place]


def shown(value: Any) -> str:
    """``value`` as an error message shows it: its type and its beginning."""
    return f"{type(value).__name__} {str(value)[:60]!r}"
