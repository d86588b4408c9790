"""What each field of a parsed record must hold."""

from collections.abc import Mapping
from typing import Any, TypeVar

from keci.errors import DataError

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


def objects(record: Any, name: str) -> list[dict[str, Any]]:
    """The objects of a list; raises DataError where it is missing or another value."""
    return [checked(item, f"an item of {name}", dict) for item in field(record, name, list)]


def optional_objects(record: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of a list that may be missing or null; raises DataError at another value."""
    return objects(record, name) if record.get(name) else []


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
