"""Our own JSON and TOML files, read with their types checked: anyone may have edited them."""

import re
import tomllib
from collections.abc import Mapping
from math import isfinite
from pathlib import Path, PurePath
from typing import Any

from keci.errors import ConfigError, DataError
from keci.printable import printable

_SHA256 = re.compile("[0-9a-f]{64}")
_LARGEST = 2**53


def read_toml(content: str, name: str) -> dict[str, Any]:
    """The table that TOML of that name holds; raises ConfigError where it is none."""
    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not TOML: {printable(error)}") from error
    except (RecursionError, ValueError) as error:  # numbers of thousands of digits
        raise ConfigError(f"{name} is nested too deep, or has too large a number") from error


def read_toml_file(path: Path) -> dict[str, Any]:
    """As ``read_toml`` for a file; raises ConfigError where it cannot be read."""
    if not path.is_file():
        raise ConfigError(f"{path} is no file")
    try:
        content = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from error
    return read_toml(content, str(path))


class Fields:
    """The fields of an object called ``where``; every method raises DataError naming the field."""

    def __init__(self, record: object, where: str) -> None:
        if not isinstance(record, Mapping):
            raise DataError(f"{where}: expected an object, got {printable(repr(record))}")
        self._record, self._where = record, where

    def __contains__(self, name: str) -> bool:
        return name in self._record

    def text(self, name: str) -> str:
        value: str = self._checked(name, str, "text")
        return value

    def mapping(self, name: str) -> Mapping[str, Any]:
        value: Mapping[str, Any] = self._checked(name, dict, "an object")
        return value

    def items(self, name: str) -> list[Any]:
        value: list[Any] = self._checked(name, list, "a list")
        return value

    def inner(self, name: str) -> "Fields":
        return Fields(self._value(name), f"{self._where}: {name}")

    def inner_items(self, name: str) -> "list[Fields]":
        where = f"{self._where}: {name}"
        found = enumerate(self.items(name), start=1)
        return [Fields(item, f"{where}[{number}]") for number, item in found]

    def optional(self, name: str) -> "Fields | None":
        return None if self._value(name) is None else self.inner(name)

    def count(self, name: str) -> int:
        """A whole number from 0 on, no more than a file can have bytes."""
        value = self._value(name)
        if type(value) is not int or not 0 <= value <= _LARGEST:
            raise self.mistake(name, "a whole number from 0 on")
        return value

    def number(self, name: str) -> float:
        """A number that is not infinite."""
        value = self._value(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise self.mistake(name, "a number")
        return float(value)

    def file_name(self, name: str) -> str:
        """The name of a file beside this one: no path leads out of the folder."""
        value = self.text(name)
        is_name = PurePath(value).name == value and value not in ("", ".", "..")
        if not is_name or "\x00" in value or "\\" in value:
            raise self.mistake(name, "the name of a file in the same folder")
        return value

    def sha256(self, name: str) -> str:
        value = self.text(name)
        if not _SHA256.fullmatch(value):
            raise self.mistake(name, "a sha256 in hexadecimal digits")
        return value

    def mistake(self, name: str, expected: str) -> DataError:
        """The error of a field that is not as expected."""
        found = printable(repr(self._record.get(name)))
        return DataError(f"{self._where}: {name} must be {expected}, got {found}")

    def _value(self, name: str) -> Any:
        if name not in self._record:
            raise DataError(f"{self._where}: the field {name} is missing")
        return self._record[name]

    def _checked(self, name: str, kind: type[Any], expected: str) -> Any:
        if not isinstance(self._value(name), kind):
            raise self.mistake(name, expected)
        return self._record[name]
