"""Records of annotation files: what each field must hold, and where one that does not lies."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from keci.errors import DataError

Read = TypeVar("Read")


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
    number = checked(index, name, int)
    if not 0 <= number < len(items):
        raise DataError(f"{name!r} is {number}, but there are {len(items)} to choose from")
    return items[number]


def shown(value: Any) -> str:
    """``value`` as an error message shows it: its type and its beginning."""
    return f"{type(value).__name__} {str(value)[:60]!r}"
