"""Where failed records go, and the sum that shows that no record was lost."""

import logging
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from keci.corpus.output import OutputFile
from keci.documents import Failure
from keci.errors import DataError, KeciError

_log = logging.getLogger(__name__)


class Quarantine:
    """Keeps failures in a jsonl file, made when the first one comes, or in the log without a file.

    ``count`` is their number. A file of an earlier run is removed when this one has no failures.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._file: OutputFile | None = None
        self.count = 0

    def add(self, failure: Failure, ordinal: int) -> None:
        """Keep a failure of the record that has this place among those taken."""
        self.count += 1
        log_failure(failure, logging.DEBUG if self._path else logging.ERROR)
        if self._path is None:
            return
        self._file = self._file or OutputFile(self._path)
        self._file.write(encode_failure(failure, ordinal))
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


def log_failure(failure: Failure, level: int) -> None:
    place = f"{failure.source}, record {failure.position}"
    _log.log(level, "%s (id %r) failed: %s", place, failure.id, failure.reason)


def encode_failure(failure: Failure, ordinal: int) -> bytes:
    """The failure's line of jsonl, lone surrogates escaped: a failure must always be writable.

    The original is text where it is UTF-8, else base64.
    """
    record: dict[str, Any] = {
        "source": _writable(failure.source),
        "position": failure.position,
        "id": _writable(failure.id),
        "reason": _writable(failure.reason),
        "excerpt": _writable(failure.excerpt),
        "ordinal": ordinal,
    }
    if failure.original:
        record["format"] = failure.format
        try:
            record["original"] = failure.original.decode()
        except UnicodeDecodeError:
            record["original_base64"] = b64encode(failure.original).decode()
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def decode_failure(line: bytes) -> tuple[Failure, int]:
    """The failure of a line and its record's ordinal; raises DataError where it is none."""
    try:
        record = orjson.loads(line)
        texts = [record[name] for name in ("source", "id", "reason", "excerpt")]
        texts += [record.get("format", ""), record.get("original", "")]
        numbers = (record["position"], record["ordinal"])
        if not all(isinstance(item, str) for item in texts) or set(map(type, numbers)) != {int}:
            raise DataError("expected a failure of keci-extract in each line: a field is mistyped")
        source, document_id, reason, beginning, form, text = texts
        original = b64decode(record.get("original_base64", ""), validate=True) or text.encode()
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise DataError(f"expected a failure of keci-extract in each line: {error}") from error
    position, ordinal = numbers
    return Failure(source, position, document_id, reason, beginning, original, form), ordinal


def _writable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


@dataclass(frozen=True, slots=True)
class Accounts:
    """Records taken, written, failed, and withdrawn by others."""

    read: int
    written: int
    failed: int
    withdrawn: int = 0

    def check(self) -> None:
        """Raises KeciError where they do not add up."""
        if self.read != self.written + self.failed + self.withdrawn:
            raise KeciError(
                f"records were lost: {self.read} read, but {self.written} written, "
                f"{self.failed} failed and {self.withdrawn} withdrawn"
            )
