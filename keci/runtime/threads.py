"""How the cores of a machine are divided: between processes, batches at once, and operators."""

from dataclasses import dataclass

from keci.runtime.machine import usable_cores, usable_memory

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
        threads inside an operator do not.
        """
        available = threads or usable_cores()
        workers = min(available, MAX_WORKERS) if device == CPU else 1
        return cls(workers, max(available // workers, 1))


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
