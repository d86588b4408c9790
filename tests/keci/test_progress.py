"""How far long work has come, on a terminal and without one."""

import io
import logging
import time
from contextlib import redirect_stderr

import pytest

from keci import progress
from keci.logs import set_up_logging
from keci.progress import ProgressDisplay, clock_time, step_told


class Terminal(io.StringIO):
    """Keeps what is written to a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return Terminal()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_without_a_terminal_a_line_is_logged_now_and_then(
    caplog: pytest.LogCaptureFixture, clock: list[float]
) -> None:
    with caplog.at_level(logging.INFO, "keci"), ProgressDisplay(is_shown=False) as display:
        for done in range(200):
            display.update(f"step {done}", 50 + done, 450)
            clock[0] += 1
    assert caplog.messages == [
        "step 60, about 0:05:40 left",
        "step 120, about 0:04:40 left",
        "step 180, about 0:03:40 left",
    ]


def test_without_a_terminal_each_of_a_few_steps_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "keci"), ProgressDisplay(is_shown=False) as display:
        display.step("reading (1 of 2)", 0, 2)
        display.step("writing (2 of 2)", 1, 2)
    assert caplog.messages == ["reading (1 of 2)", "writing (2 of 2)"]


def test_a_step_is_told_when_it_begins(
    caplog: pytest.LogCaptureFixture, terminal: Terminal
) -> None:
    with caplog.at_level(logging.INFO, "keci"), step_told("loading", is_shown=False):
        assert caplog.messages == ["loading"]
    with redirect_stderr(terminal), step_told("loading", is_shown=True):
        pass
    assert "loading" in terminal.getvalue()
    assert len(caplog.messages) == 1


def test_on_a_terminal_it_is_one_line_with_the_log_above(
    terminal: Terminal, caplog: pytest.LogCaptureFixture
) -> None:
    before = logging.getLogger().handlers[:]
    set_up_logging(logging.INFO)
    try:
        with redirect_stderr(terminal), ProgressDisplay("opening", is_shown=True) as display:
            display.update("[bold]3 records", 3, 10)
            logging.getLogger("keci.anything").info("a line of the log")
    finally:
        logging.getLogger().handlers[:] = before
    shown = terminal.getvalue()
    assert "[bold]3 records" in shown, "facts are no markup"
    assert "━" in shown
    assert "INFO a line of the log\n" in shown
    assert "\x1b[2K" in shown.rpartition("\n")[2], "the line is removed in the end"


def test_colours_are_left_out_where_no_color_is_set(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stderr(terminal), ProgressDisplay("working", is_shown=True) as display:
        display.update("working", 1, 2)
    assert "\x1b[38" not in terminal.getvalue()
    assert "working" in terminal.getvalue()


def test_nothing_is_said_of_an_end_that_is_not_known(clock: list[float]) -> None:
    display = ProgressDisplay(is_shown=False)
    display.update("a")
    assert display._left(5, None) == ""
    assert display._left(0, 10) == ""
    clock[0] += 10
    assert display._left(5, 10) == ", about 0:00:10 left"
    assert progress.LOG_SECONDS == 60


def test_clock_time() -> None:
    assert clock_time(370) == "0:06:10"
    assert clock_time(100 * 3600 + 1) == "100:00:01"
