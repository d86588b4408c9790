"""What ends a run before its time."""

import signal
import subprocess
import sys

import pytest

from keci.cli.extract.watch import FailureLimit, StopSignals
from keci.errors import UsageError

TWICE = """
import signal, time
from keci.cli.extract.watch import StopSignals
with StopSignals() as signals:
    signal.raise_signal(signal.{first})
    assert signals.received == signal.{first}
    print("goes on", flush=True)
    signal.raise_signal(signal.{second})
    print("never comes here", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with StopSignals() as signals:
        assert signals.received is None
        signal.raise_signal(number)
        assert signals.received == number
    assert signal.getsignal(number) is before


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize(("first", "second"), [("SIGINT", "SIGINT"), ("SIGTERM", "SIGINT")])
def test_the_second_signal_ends_at_once(first: str, second: str) -> None:
    program = TWICE.format(first=first, second=second)
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert result.returncode == -getattr(signal, second)
    assert result.stdout == b"goes on\n"
    assert b"once more stops at once" in result.stderr
    assert b"Traceback" not in result.stderr


def test_failures_are_limited_by_number_or_share() -> None:
    assert not FailureLimit.parse(None).is_exceeded(10**6, 10**6)
    assert FailureLimit.parse("2").is_exceeded(3, 1000)
    assert not FailureLimit.parse("2").is_exceeded(2, 2)
    share = FailureLimit.parse("1.5%")
    assert not share.is_exceeded(99, 99)
    assert not share.is_exceeded(3, 200)
    assert share.is_exceeded(4, 200)
    for text in ("x", "-1", "1.5", "%"):
        with pytest.raises(UsageError):
            FailureLimit.parse(text)
