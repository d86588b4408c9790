"""Where failed records go, and the sum that shows that no record was lost."""

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from keci.corpus.output import STDOUT, OutputFile
from keci.documents import Failure
from keci.errors import KeciError

_log = logging.getLogger(__name__)


def failures_path(output: str) -> str | None:
    """The failures file beside an output: ``OUT.failures.jsonl``; none beside standard output."""
    return None if output == STDOUT else f"{output}.failures.jsonl"


class Quarantine:
    """Keeps failures in a jsonl file, made when the first one comes, or in the log without a file.

    ``count`` is their number. A file of an earlier run is removed when this one has no failures.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._file: OutputFile | None = None
        self.count = 0

    def add(self, failure: Failure) -> None:
        self.count += 1
        place = f"{failure.source}, record {failure.position}"
        if self._path is None:
            _log.error("%s (id %r) failed: %s", place, failure.id, failure.reason)
            return
        _log.debug("%s (id %r) failed: %s", place, failure.id, failure.reason)
        self._file = self._file or OutputFile(self._path)
        self._file.write(orjson.dumps(_record(failure), option=orjson.OPT_APPEND_NEWLINE))
        self._file.flush()

    def close(self) -> None:
        """Finish the failures file and put it in place."""
        if self._file:
            self._file.close()
        elif self._path and Path(self._path).is_file():
            Path(self._path).unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        elif self._file:
            self._file.abandon()


def _record(failure: Failure) -> dict[str, Any]:
    """The failure as plain values, lone surrogates escaped: a failure must always be writable."""
    return {
        name: value.encode("utf-8", "backslashreplace").decode() if name != "position" else value
        for name, value in asdict(failure).items()
    }


@dataclass(slots=True)
class Accounts:
    """Records read, written and failed."""

    read: int = 0
    written: int = 0
    failed: int = 0

    def check(self) -> None:
        """Raises KeciError where the three do not add up."""
        if self.read != self.written + self.failed:
            raise KeciError(
                f"records were lost: {self.read} read, but {self.written} written and "
                f"{self.failed} failed"
            )
