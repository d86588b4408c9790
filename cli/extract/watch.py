"""What ends an extraction before its time: signals, and too many failures."""

import os
import re
import signal
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, Self

from keci.errors import UsageError

if TYPE_CHECKING:
    from keci.corpus.metrics import Meter


SIGNALS = (signal.SIGINT, signal.SIGTERM)
_STDERR = 2
_NOTICE = b"\nstopping after the records at hand; once more stops at once\n"
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)(%?)")
RECORDS_BEFORE_SHARES = 100


class StopSignals:
    """Inside the context the first SIGINT or SIGTERM is only noted; a second ends the process."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._handlers = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  # the signature of a signal handler
        self.received = number
        os.write(_STDERR, _NOTICE)
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)


@dataclass(frozen=True, slots=True)
class FailureLimit:
    """Too many: more than ``count``, or than a ``share`` of a hundred records or more."""

    count: int | None = None
    share: float | None = None

    @classmethod
    def parse(cls, text: str | None) -> "FailureLimit":
        """Read ``20`` or ``1.5%``; raises UsageError on anything else."""
        if text is None:
            return cls()
        found = _NUMBER.fullmatch(text)
        if found and found[2]:
            return cls(share=float(found[1]) / 100)
        if found and "." not in found[1]:
            return cls(count=int(found[1]))
        raise UsageError(f"expected a number of failures or a share, as 20 or 1.5%, got {text!r}")

    def is_exceeded(self, failed: int, records: int) -> bool:
        if self.count is not None:
            return failed > self.count
        if self.share is None or records < RECORDS_BEFORE_SHARES:
            return False
        return failed > self.share * records


def progress_line(meter: "Meter") -> str:
    """``1,280 records, 31.2/s, 4 failed, 12% read``."""
    parts = [f"{meter.records:,} records", f"{meter.rate:,.1f}/s"]
    if meter.failed:
        parts.append(f"{meter.failed:,} failed")
    if meter.share is not None:
        parts.append(f"{meter.share:.0%} read")
    return ", ".join(parts)
