"""Where failed records go, and the sum that shows that no record was lost."""

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import orjson

from keci.corpus.records import Withdrawal
from keci.documents import Failure
from keci.errors import DataError, KeciError
from keci.files import OutputFile
from keci.formats.failures import encode_failure
from keci.printable import LONGEST_MESSAGE, printable

_log = logging.getLogger(__name__)


class Quarantine:
    """Keeps failures in a jsonl file, made when the first one comes, or in the log without a file.

    ``count`` is their number. A file of an earlier run is removed when this one has no failures.
    """

    def __init__(self, path: str | None) -> None:
        self.path = path
        self._file: OutputFile | None = None
        self.count = 0

    def add(self, failure: Failure, ordinal: int) -> None:
        """Keep a failure of the record with this ordinal among those taken."""
        self.count += 1
        log_failure(failure, logging.DEBUG if self.path else logging.ERROR)
        if self.path is None:
            return
        self._file = self._file or OutputFile(self.path)
        self._file.write(encode_failure(failure, ordinal))
        self._file.flush()

    def close(self) -> None:
        """Finish the failures file and put it in place."""
        if self._file:
            self._file.close()
        elif self.path and Path(self.path).is_file():
            Path(self.path).unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        elif self._file:
            self._file.abandon()


def log_failure(failure: Failure, level: int) -> None:
    record = f"{printable(failure.source)}, record {failure.position}"
    reason = printable(failure.reason, LONGEST_MESSAGE)
    _log.log(level, "%s (id %r) failed: %s", record, printable(failure.id), reason)


@dataclass(frozen=True, slots=True)
class Accounts:
    """Records taken, written, failed, withdrawn by others, and left out of a sample."""

    read: int
    written: int
    failed: int
    withdrawn: int = 0
    left_out: int = 0

    def check(self) -> None:
        """Raises KeciError where they do not add up."""
        if self.read != self.written + self.failed + self.withdrawn + self.left_out:
            raise KeciError(
                f"records were lost: {self.read} read, but {self.written} written, "
                f"{self.failed} failed, {self.withdrawn} withdrawn and {self.left_out} left out"
            )


def encode_withdrawal(withdrawal: Withdrawal, ordinal: int) -> bytes:
    """The withdrawal's line, with the ordinal of its record among those taken."""
    record = asdict(withdrawal) | {"ordinal": ordinal}
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def decode_withdrawal(line: bytes) -> tuple[Withdrawal, int]:
    """The withdrawal of a line and its record's ordinal; raises DataError where it is none."""
    try:
        record = orjson.loads(line)
        ordinal = record.pop("ordinal")
        return Withdrawal(**record), ordinal
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise DataError(f"expected a withdrawn record in each line: {error}") from error
