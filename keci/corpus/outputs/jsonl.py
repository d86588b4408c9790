"""Extractions as JSON lines: one record a line, with everything that KECI knows."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

import orjson

from keci.documents import Extraction
from keci.errors import DataError


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
