import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from keci.runtime import threads as machine
from keci.runtime.threads import usable_cores, usable_memory

CORES = os.cpu_count() or 1
GIGABYTE = 1 << 30


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of control groups in place of the system's, and a process in none of them."""
    (tmp_path / "own").write_text("")
    monkeypatch.setattr(machine, "_OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(machine, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    return tmp_path / "groups"


def join(groups: Path, lines: str, limits: Mapping[str, str]) -> None:
    """Let the process be in the groups of ``lines``, with these files below the folder."""
    (groups.parent / "own").write_text(lines)
    for name, content in limits.items():
        path = groups / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_this_process_has_cores_and_memory() -> None:
    assert 1 <= usable_cores() <= CORES
    memory = usable_memory()
    assert memory is None or memory > 1 << 20


def test_affinity_counts_where_no_group_bounds(groups: Path) -> None:
    assert usable_cores() == 16
    join(groups, "0::/\n", {"cpu.max": "max 100000\n", "memory.max": "max\n"})
    assert usable_cores() == 16


@pytest.mark.parametrize(
    ("quota", "cores"), [("200000 100000", 2), ("250000 100000", 3), ("5000 100000", 1)]
)
def test_a_container_s_share_counts(groups: Path, quota: str, cores: int) -> None:
    join(groups, "0::/\n", {"cpu.max": quota})
    assert usable_cores() == cores


SECOND_VERSION = {
    "job/cpu.max": "300000 100000",
    "job/step/cpu.max": "max 100000",
    "job/memory.max": str(3 * GIGABYTE // 100),
    "job/step/memory.max": str(5 * GIGABYTE // 100),
}
FIRST_VERSION = {
    "cpu/job/cpu.cfs_quota_us": "400000",
    "cpu/job/cpu.cfs_period_us": "100000",
    "cpu/cpu.cfs_quota_us": "-1",
    "cpu/cpu.cfs_period_us": "100000",
    "memory/job/memory.limit_in_bytes": str(7 * GIGABYTE // 100),
    "memory/memory.limit_in_bytes": str(2**63 - 4096),
}


@pytest.mark.parametrize(
    ("lines", "limits", "cores", "memory"),
    [
        ("0::/job/step\n", SECOND_VERSION, 3, 3 * GIGABYTE // 100),
        (
            "4:memory:/job\n3:cpu,cpuacct:/job\n1:name=systemd:/else\n",
            FIRST_VERSION,
            4,
            7 * GIGABYTE // 100,
        ),
    ],
)
def test_the_least_of_a_group_and_those_around_it_counts(
    groups: Path, lines: str, limits: Mapping[str, str], cores: int, memory: int
) -> None:
    join(groups, lines, limits)
    assert usable_cores() == cores
    assert usable_memory() == memory
