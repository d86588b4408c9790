"""The cores and the memory that this process may use."""

import os
from collections.abc import Iterator
from pathlib import Path

_OWN_GROUPS = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """Those of the machine, less where affinity or a control group (a container's) says so."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    for group in _groups("cpu"):
        quota, period = group / "cpu.cfs_quota_us", group / "cpu.cfs_period_us"
        limit = _words(group / "cpu.max") or [*_words(quota), *_words(period)]
        if len(limit) == 2 and all(word.isdecimal() for word in limit):
            cores = min(cores, max(-(-int(limit[0]) // int(limit[1])), 1))
    return cores


def usable_memory() -> int | None:
    """Bytes that the machine has, or a control group allows; None where nothing tells."""
    limits = [
        int(limit)
        for group in _groups("memory")
        for name in ("memory.max", "memory.limit_in_bytes")
        for limit in _words(group / name)
        if limit.isdecimal()
    ]
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(limits, default=None)


def _groups(controller: str) -> Iterator[Path]:
    """The control groups, of either version, that bound this process: its own and those around."""
    try:
        lines = _OWN_GROUPS.read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = _GROUPS / controller if controllers else _GROUPS
        own = top / path.lstrip("/")
        yield from (group for group in (own, *own.parents) if group.is_relative_to(top))


def _words(path: Path) -> list[str]:
    """What a file holds; nothing where it cannot be read."""
    try:
        return path.read_text("utf-8").split()
    except OSError:
        return []
