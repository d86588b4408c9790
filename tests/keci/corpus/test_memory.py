import subprocess
import sys
from pathlib import Path

import pytest

from keci.corpus import metrics as memory
from keci.corpus.metrics import Memory

MEGABYTE = 1 << 20


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="needs Linux's /proc")
def test_memory_of_all_processes_is_counted_and_its_peak_kept() -> None:
    script = f"held = bytearray({50 * MEGABYTE}); print(1, flush=True); input()"
    alone = Memory().read()
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        other.stdout.readline()
        both = Memory(lambda: [other.pid])
        during = both.read()
        other.communicate(b"\n")
    after = both.read()
    assert during["rss_bytes"] > alone["rss_bytes"] + 50 * MEGABYTE
    assert after["rss_bytes"] < during["rss_bytes"] - 50 * MEGABYTE
    assert after["peak_rss_bytes"] >= during["peak_rss_bytes"] >= during["rss_bytes"]


def test_where_the_system_does_not_tell_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_PROCESSES", tmp_path)
    assert Memory(lambda: [1]).read() == {}
