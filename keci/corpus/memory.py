"""How much memory a run's processes take, where the system tells."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

_PROCESSES = Path("/proc")
_SIZES = re.compile(r"^(VmRSS|VmHWM):\s+(\d+) kB", re.MULTILINE)


class Memory:
    """The memory of this process and of those that work for it; pages they share count for each."""

    def __init__(self, process_ids: Callable[[], Iterable[int]] = tuple) -> None:
        """``process_ids`` gives the ids of all others that were started."""
        self._process_ids = process_ids
        self._peaks: dict[str, int] = {}

    def read(self) -> Mapping[str, int]:
        """Resident bytes now, and the sum of the most that each process took.

        Of one that has ended it is what the last reading told. Empty without Linux's /proc.
        """
        resident = 0
        for process in ("self", *map(str, self._process_ids())):
            sizes = _sizes(process)
            resident += sizes.get("VmRSS", 0)
            self._peaks[process] = max(sizes.get("VmHWM", 0), self._peaks.get(process, 0))
        peak = sum(self._peaks.values())
        return {"rss_bytes": resident, "peak_rss_bytes": peak} if resident else {}


def _sizes(process: str) -> Mapping[str, int]:
    try:
        status = (_PROCESSES / process / "status").read_text("utf-8")
    except OSError:  # it has ended, or the system has no such file
        return {}
    return {name: int(size) * 1024 for name, size in _SIZES.findall(status)}
