"""How the cores of a machine are divided: between processes, batches at once, and operators."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_WORKERS = 4
"""Beyond so many the parts of a batch that hold Python's lock leave the others waiting."""

_THREADS_EACH = 2
"""Threads of a process where nothing else is asked for: more cost speed, fewer cost memory."""

_MOST_PROCESSES = 16
_BYTES_EACH = 2 << 30
"""Memory that there must be for a process: it takes a third of that with the shipped model."""

CPU = "cpu"


@dataclass(frozen=True, slots=True)
class ThreadPlan:
    """How threads are divided: ``workers`` batches at once, each operator in ``per_worker``."""

    workers: int
    per_worker: int

    @classmethod
    def divide(cls, threads: int | None, device: str) -> "ThreadPlan":
        """One batch at a time on a GPU; else a worker for each thread, up to MAX_WORKERS.

        Whole batches side by side keep all cores busy through the small operators as well, which
        threads inside an operator do not. All workers have the same number of threads, so that it
        does not matter which one reads: of the numbers of workers that leave the fewest threads
        over, the largest is taken.
        """
        available = threads or usable_cores()
        if device != CPU:
            return cls(1, available)
        most = min(available, MAX_WORKERS)
        numbers = range(most, min(most, 2) - 1, -1)
        workers = min(numbers, key=lambda number: available % number)
        return cls(workers, available // workers)


def threads_of_processes(threads: int | None, processes: int | None, device: str) -> list[int]:
    """The threads of each process, one at least.

    ``threads`` None takes every core, ``processes`` None one process where the work is a GPU's,
    else one for two threads, as far as memory allows.
    """
    available = threads or usable_cores()
    wanted = processes or _usual_processes(available, device)
    least, more = divmod(available, wanted)
    return [max(least + (number < more), 1) for number in range(wanted)]


def _usual_processes(threads: int, device: str) -> int:
    if device != CPU:
        return 1
    memory = usable_memory()
    fitting = _MOST_PROCESSES if memory is None else memory // _BYTES_EACH
    return max(min(-(-threads // _THREADS_EACH), _MOST_PROCESSES, fitting), 1)


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
