"""How the cores of a machine are divided: between processes, batches at once, and operators."""

import os
from dataclasses import dataclass

MAX_WORKERS = 4
"""Beyond so many the parts of a batch that hold Python's lock leave the others waiting."""

_THREADS_EACH = 2
"""Threads of a process where nothing else is asked for: more cost speed, fewer cost memory."""

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
        threads inside an operator do not.
        """
        available = threads or usable_cores()
        workers = min(available, MAX_WORKERS) if device == CPU else 1
        return cls(workers, max(available // workers, 1))


def threads_of_processes(threads: int | None, processes: int | None, device: str) -> list[int]:
    """The threads of each process, one at least.

    ``threads`` None takes every core, ``processes`` None one process for two threads, or one where
    the work is a GPU's.
    """
    available = threads or usable_cores()
    wanted = processes or (-(-available // _THREADS_EACH) if device == CPU else 1)
    least, more = divmod(available, wanted)
    return [max(least + (number < more), 1) for number in range(wanted)]


def usable_cores() -> int:
    """The cores that this process may use, where the system tells; else those it has."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
