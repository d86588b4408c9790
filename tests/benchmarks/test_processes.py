import pytest

from benchmarks.commands import MEGABYTE
from benchmarks.processes import Run, report
from keci.errors import DataError


def test_ratios_are_taken_inside_a_round() -> None:
    rounds = [
        {1: Run(rate, 100 * MEGABYTE, b"same"), 2: Run(rate * gain, 250 * MEGABYTE, b"same")}
        for rate, gain in ((100.0, 1.5), (10.0, 1.8), (1000.0, 1.9))
    ]
    assert report(rounds) == {
        "1": {"records_per_s": 100.0, "speedup": 1.0, "peak_rss_mb": 100},
        "2": {"records_per_s": 150.0, "speedup": 1.8, "peak_rss_mb": 250},
    }


def test_other_bytes_are_no_result() -> None:
    with pytest.raises(DataError, match="different bytes"):
        report([{1: Run(1.0, 1, b"a"), 2: Run(1.0, 1, b"b")}])
