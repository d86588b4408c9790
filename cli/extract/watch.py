"""What ends an extraction before its time: signals, and too many failures."""

import logging
import os
import re
import signal
import time
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from keci.cli.options import show_progress
from keci.errors import UsageError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
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


LOG_SECONDS = 60.0
_LOGGER = logging.getLogger(__name__)


class ProgressDisplay:
    """Shows a meter; ``update`` is called after each chunk."""

    def __init__(self, meter: "Meter") -> None:
        self._meter = meter
        self._logged = time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        if show_progress():
            self._bar = _progress_bar()
            self._task = self._bar.add_task("", total=None, facts=progress_line(meter))

    def update(self) -> None:
        line = progress_line(self._meter)
        if self._bar and self._task is not None:
            share = self._meter.share
            total = None if share is None else 1.0
            self._bar.update(self._task, completed=share or 0.0, total=total, facts=line)
        elif time.monotonic() - self._logged >= LOG_SECONDS:
            _LOGGER.info(line)
            self._logged = time.monotonic()

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()


def progress_line(meter: "Meter") -> str:
    """``1,280 records, 31.2/s, 4 failed, 12 % read, about 0:06:10 left``."""
    parts = [f"{meter.records:,} records", f"{meter.rate:,.1f}/s"]
    if meter.failed:
        parts.append(f"{meter.failed:,} failed")
    if meter.share is not None:
        parts.append(f"{meter.share:.0%} read")
    if meter.remaining_seconds is not None:
        parts.append(f"about {clock_time(meter.remaining_seconds)} left")
    return ", ".join(parts)


def clock_time(seconds: float) -> str:
    """Hours, minutes and seconds as ``0:06:10``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _progress_bar() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (BarColumn(), TextColumn("{task.fields[facts]}"))
    return Progress(*columns, console=Console(stderr=True), transient=True)
