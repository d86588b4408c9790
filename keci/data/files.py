"""Records of annotation files: what each field must hold, and where one that does not lies."""

from collections.abc import Callable, Iterable, Iterator
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
