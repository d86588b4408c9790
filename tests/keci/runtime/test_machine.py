import os
from pathlib import Path

import pytest

from keci.runtime import machine
from keci.runtime.machine import usable_cores, usable_memory

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


def join(groups: Path, lines: str, **limits: str) -> None:
    """Let the process be in the groups of ``lines``, with these files below the folder."""
    (groups.parent / "own").write_text(lines)
    for name, content in limits.items():
        path = groups / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_this_process_has_cores_and_memory() -> None:
    assert 1 <= usable_cores() <= CORES
    memory = usable_memory()
    assert memory is None or memory > 1 << 20


def test_affinity_counts_where_no_group_bounds(groups: Path) -> None:
    assert usable_cores() == 16
    join(groups, "0::/\n", cpu_DOT_max="max 100000\n", memory_DOT_max="max\n")
    assert usable_cores() == 16


@pytest.mark.parametrize(
    ("quota", "cores"), [("200000 100000", 2), ("250000 100000", 3), ("5000 100000", 1)]
)
def test_a_container_s_share_counts(groups: Path, quota: str, cores: int) -> None:
    join(groups, "0::/\n", cpu_DOT_max=quota)
    assert usable_cores() == cores


def test_the_least_of_a_group_and_those_around_it_counts(groups: Path) -> None:
    join(
        groups,
        "0::/job/step\n",
        job__cpu_DOT_max="300000 100000",
        job__step__cpu_DOT_max="max 100000",
        job__memory_DOT_max=str(3 * GIGABYTE // 100),
        job__step__memory_DOT_max=str(5 * GIGABYTE // 100),
    )
    assert usable_cores() == 3
    assert usable_memory() == 3 * GIGABYTE // 100


def test_groups_of_the_first_version_count(groups: Path) -> None:
    join(
        groups,
        "4:memory:/job\n3:cpu,cpuacct:/job\n1:name=systemd:/else\n",
        cpu__job__cpu_DOT_cfs_quota_us="400000",
        cpu__job__cpu_DOT_cfs_period_us="100000",
        cpu__cpu_DOT_cfs_quota_us="-1",
        cpu__cpu_DOT_cfs_period_us="100000",
        memory__job__memory_DOT_limit_in_bytes=str(7 * GIGABYTE // 100),
        memory__memory_DOT_limit_in_bytes=str(2**63 - 4096),
    )
    assert usable_cores() == 4
    assert usable_memory() == 7 * GIGABYTE // 100
