"""How far long work has come: one line on a terminal, else a line of the log now and then."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LOG_SECONDS = 60.0
_REFRESHES = 4
"""A second, on a terminal."""

_LOGGER = logging.getLogger(__name__)


class ProgressDisplay:
    """Shows what was last told it; the same for every command.

    On a terminal (``is_shown``) that is a line with a bar, where the end is known, which moves a
    few times a second and leaves nothing behind; lines of the log go above it. Elsewhere what was
    told is logged once a minute. Colours are left out where NO_COLOR is set.
    """

    def __init__(self, facts: str = "", *, is_shown: bool) -> None:
        self._began: tuple[float, float] | None = None
        self._logged = time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        if is_shown:
            self._bar = _bar()
            self._task = self._bar.add_task("", total=None, facts=facts)

    def update(self, facts: str, done: float = 0.0, total: float | None = None) -> None:
        """``done`` of ``total`` is finished; what is left is estimated of the two, if both count.

        The pace is that since the first update, before which other work may have been resumed.
        """
        line = f"{facts}{self._left(done, total)}"
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=done, total=total, facts=line)
        elif time.monotonic() - self._logged >= LOG_SECONDS:
            self._log(line)

    def step(self, facts: str, done: float = 0.0, total: float | None = None) -> None:
        """Like ``update`` for one of a few steps; each is logged where nobody looks on."""
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=done, total=total, facts=facts)
        else:
            self._log(facts)

    def _log(self, line: str) -> None:
        _LOGGER.info(line)
        self._logged = time.monotonic()

    def _left(self, done: float, total: float | None) -> str:
        """``, about 0:06:10 left``, where that can be said."""
        now = time.monotonic()
        if total is None:
            return ""
        if self._began is None:
            self._began = now, done
        seconds, gained = now - self._began[0], done - self._began[1]
        if gained <= 0 or seconds < 1:
            return ""
        return f", about {clock_time(seconds * max(total - done, 0) / gained)} left"

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()


@contextmanager
def step_told(step: str, *, is_shown: bool) -> Iterator[None]:
    """Say what takes seconds: on a terminal while it lasts, else in the log when it begins."""
    with ProgressDisplay(step, is_shown=is_shown) as progress:
        progress.step(step)
        yield


def clock_time(seconds: float) -> str:
    """Hours, minutes and seconds as ``0:06:10``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _bar() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        BarColumn(bar_width=24, pulse_style="bar.back"),
        TextColumn("{task.fields[facts]}", markup=False),
    )
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, refresh_per_second=_REFRESHES)
