"""Extractions to JSON lines, one record a line in the order of the documents."""

from types import TracebackType
from typing import Self

import orjson

from keci.corpus.output import OutputFile
from keci.documents import Extraction
from keci.errors import DataError


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
