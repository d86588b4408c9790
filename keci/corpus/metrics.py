"""Counts and rates of a run while it goes on, for people and for machines."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from keci.corpus.reader import CorpusReader
from keci.corpus.records import Chunk, Record, Withdrawal
from keci.documents import Failure
from keci.files import Disk, publish

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


WRITE_SECONDS = 5.0
MOST_REASONS = 100
_OTHER_REASONS = "other reasons"
_PARTICULARS = re.compile(r"'[^']*'|\"[^\"]*\"|\d[\d,.]*")


class Meter:
    """Counts what this process has read and found since it began.

    ``queues`` counts the records that wait, by the name of what they wait for.
    """

    def __init__(
        self,
        reader: CorpusReader,
        clock: Callable[[], float] = time.monotonic,
        memory: Memory | None = None,
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._memory = memory or Memory()
        self._started = clock()
        self._latest: Record | None = None
        self.documents = self.failed = self.withdrawn = 0
        self.characters = self.entities = self.relations = 0
        self.queues: dict[str, Callable[[], int]] = {}
        self.reasons: Counter[str] = Counter()

    def add(self, chunk: Chunk) -> None:
        for result in chunk:
            outcome = result.outcome
            if isinstance(outcome, Failure):
                self.failed += 1
                self._add_reason(outcome.reason)
            elif isinstance(outcome, Withdrawal):
                self.withdrawn += 1
            else:
                self.documents += 1
                self.characters += len(outcome.text)
                self.entities += len(outcome.mentions)
                self.relations += len(outcome.relations)
        self._latest = chunk[-1].record

    @property
    def seconds(self) -> float:
        return self._clock() - self._started

    @property
    def records(self) -> int:
        return self.documents + self.failed + self.withdrawn

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / max(self.seconds, 1e-9)

    @property
    def share(self) -> float | None:
        """The least share of the inputs' bytes that is done; None where that cannot be known.

        What was read ahead, and waits to be extracted, is not. With a limit it is the share of
        the records that may be taken, where that is more.
        """
        total, latest = self._reader.total_bytes, self._latest
        if not total or latest is None:
            return None
        is_last = latest.after == self._reader.cursor
        done = (self._reader.bytes_read if is_last else latest.bytes_read) / total
        limit = self._reader.selection.limit
        return max(done, latest.after.taken / limit) if limit else done

    def to_record(self) -> dict[str, Any]:
        """What a metrics file holds; memory in bytes, where the system tells."""
        return {
            "seconds": round(self.seconds, 3),
            "records": self.records,
            "documents": self.documents,
            "failed": self.failed,
            "withdrawn": self.withdrawn,
            "records_per_second": round(self.rate, 3),
            "characters_per_second": round(self.characters / max(self.seconds, 1e-9), 1),
            "entities": self.entities,
            "relations": self.relations,
            "failures_by_reason": dict(self.reasons.most_common()),
            "left_out": dict(self._reader.left_out),
            "input_bytes_read": self._reader.bytes_read,
            "input_bytes": self._reader.total_bytes,
            "queues": {name: count() for name, count in self.queues.items()},
            "memory": dict(self._memory.read()),
        }

    def _add_reason(self, reason: str) -> None:
        kind = failure_kind(reason)
        is_known = kind in self.reasons or len(self.reasons) < MOST_REASONS
        self.reasons[kind if is_known else _OTHER_REASONS] += 1


class MetricsFile:
    """Writes a meter's record to a file every few seconds; readers always find it whole."""

    def __init__(self, path: Path, meter: Meter) -> None:
        self._path, self._meter, self._disk = path, meter, Disk()
        self._written = 0.0
        self.write()

    def update(self) -> None:
        if self._meter.seconds - self._written >= WRITE_SECONDS:
            self.write()

    def write(self) -> None:
        content = orjson.dumps(
            self._meter.to_record(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        )
        publish(self._disk, self._path, content)
        self._written = self._meter.seconds


def failure_kind(reason: str) -> str:
    """A reason without what is particular to one record: quoted text and numbers."""
    return _PARTICULARS.sub("...", reason)
