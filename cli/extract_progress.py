"""How far an extraction has come: a bar on a terminal, else a line in the log now and then."""

import logging
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from keci.cli.options import show_progress

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from keci.corpus.metrics import Meter

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
