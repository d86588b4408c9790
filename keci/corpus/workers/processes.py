"""Extraction by several processes, each with a model of its own."""

import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, Protocol

import orjson

from keci.corpus.records import Chunk, Record, chunks, documents_of, results_of
from keci.corpus.workers.frames import (
    END,
    BrokenFrameError,
    Inbox,
    Outbox,
    Outcome,
    documents_to_bytes,
    opened_from_bytes,
    outcomes_from_bytes,
)
from keci.documents import Document
from keci.errors import UsageError, WorkerError
from keci.formats.limits import refused_document

CHUNKS_EACH = 4
"""Chunks that wait to be written, for each process: three that it works on, one that lies ready."""


_SECONDS_TO_END = 5


class WorkerProcess:
    """A process that runs ``worker.work``.

    Threads write and read its pipes, so that neither side waits for the other to read.
    """

    def __init__(self, command: Sequence[str], settings: Mapping[str, Any]) -> None:
        """Start ``command``, and have it open what ``settings`` ask for.

        Raises WorkerError where it cannot be started.
        """
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # In a group of its own it is not reached by what a terminal interrupts.
                process_group=0 if sys.platform != "win32" else None,
            )
        except OSError as error:
            raise WorkerError(f"a worker process cannot be started: {error}") from error
        assert self._process.stdin
        assert self._process.stdout
        self._requests = Outbox(self._process.stdin)
        self._answers = Inbox(self._process.stdout)
        self._begun = self._finished = 0
        self._is_ended = False
        self._requests.put(orjson.dumps(settings))

    @property
    def id(self) -> int:
        """The id of the process."""
        return self._process.pid

    @cached_property
    def description(self) -> Mapping[str, Any]:
        """Waits for what it says it has opened; raises the KeciError that opening raised there."""
        return opened_from_bytes(self._answer())

    @property
    def unanswered(self) -> int:
        """Chunks that it has not read to their end."""
        return self._begun - self._answered

    @property
    def has_outcomes(self) -> bool:
        """Whether ``outcomes`` need not wait."""
        return self._answered > self._finished

    def begin(self, documents: Sequence[Document]) -> None:
        """Hand a chunk over."""
        self._begun += 1
        self._requests.put(documents_to_bytes(documents))

    def end(self) -> None:
        """Say that no chunk comes any more."""
        self._is_ended = True
        self._requests.put(END)

    def outcomes(self, documents: Sequence[Document]) -> list[Outcome]:
        """Waits for those of the first chunk whose outcomes were not taken yet, its ``documents``.

        Raises WorkerError where it ends before its work is done, else as ``description`` does.
        """
        assert self.description
        found = outcomes_from_bytes(self._answer(), documents)
        self._finished += 1
        return found

    def stop(self) -> None:
        """End the process, whatever it is doing, or wait a little where it was told to end."""
        if self._is_ended:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_SECONDS_TO_END)
        self._process.kill()
        self._process.wait()
        self._requests.close()

    @property
    def _answered(self) -> int:
        return max(self._answers.received - 1, 0)  # the first one is the description

    def _answer(self) -> bytes:
        try:
            return self._answers.get()
        except BrokenFrameError:
            code = self._process.wait()
            how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
            raise WorkerError(f"a worker process {how} before its work was done") from None


class Worker(Protocol):
    """Reads chunks somewhere else: a WorkerProcess, or an actor of a Ray cluster."""

    @property
    def id(self) -> int: ...

    @property
    def description(self) -> Mapping[str, Any]: ...

    @property
    def unanswered(self) -> int: ...

    @property
    def has_outcomes(self) -> bool: ...

    def begin(self, documents: Sequence[Document]) -> None: ...

    def end(self) -> None: ...

    def outcomes(self, documents: Sequence[Document]) -> list[Outcome]: ...

    def stop(self) -> None: ...


class ProcessExtractor:
    """Gives the results of a CorpusExtractor, made by several workers that have one each."""

    def __init__(self, start: Callable[[int], Worker], processes: int) -> None:
        """``start`` starts the process of a number from 0; the others follow as work does."""
        self._start = start
        self._processes = processes
        self._workers = [start(0)]
        self._waiting: deque[tuple[Sequence[Record], Worker]] = deque()
        self._is_reading = False

    @cached_property
    def description(self) -> Mapping[str, Any]:
        """What the processes have opened; raises KeciError where they cannot."""
        return self._workers[0].description

    @property
    def process_ids(self) -> list[int]:
        """The ids of the processes that were started."""
        return [worker.id for worker in self._workers]

    @property
    def records_waiting(self) -> int:
        """Records that were read, and are being linked or extracted."""
        return sum(len(chunk) for chunk, _ in self._waiting)

    def __call__(self, records: Iterable[Record]) -> Iterator[Chunk]:
        """One result for each record, in order, a chunk at a time.

        Chunks are those of a CorpusExtractor, so that results are as well; which process reads
        one changes nothing. The processes stay for the next call, unless this one is given up.
        Raises WorkerError where a process ends before its work is done, UsageError where an
        earlier call is not finished.
        """
        if self._is_reading:
            raise UsageError(
                "several processes read one stream of texts at a time: finish or close that first"
            )
        self._is_reading = True
        waiting = self._waiting
        try:
            for chunk in chunks(records, lambda record: record):
                worker = self._free_worker()
                worker.begin(documents_of(chunk))
                waiting.append((chunk, worker))
                while waiting and (self._is_full() or waiting[0][1].has_outcomes):
                    yield _finish(*waiting[0])
                    waiting.popleft()
            while waiting:
                yield _finish(*waiting[0])
                waiting.popleft()
        finally:
            self._is_reading = False
            if waiting:
                waiting.clear()
                self.stop()

    def close(self) -> None:
        """Let the processes end by themselves, as they have nothing to do, and wait for that."""
        if not self._is_reading:
            for worker in self._workers:
                worker.end()
        self.stop()

    def stop(self) -> None:
        """End all processes, whatever they are doing; a later call starts others."""
        for worker in self._workers:
            worker.stop()
        self._workers.clear()

    def _is_full(self) -> bool:
        return len(self._waiting) >= CHUNKS_EACH * self._processes

    def _free_worker(self) -> Worker:
        """The one with the least to do, a new one where none is idle."""
        idlest = min(self._workers, key=lambda worker: worker.unanswered, default=None)
        if idlest and (not idlest.unanswered or len(self._workers) >= self._processes):
            return idlest
        worker = self._start(len(self._workers))
        self._workers.append(worker)
        return worker


def _finish(chunk: Sequence[Record], worker: Worker) -> Chunk:
    asked = [record for record in chunk if isinstance(record.content, Document)]
    documents = documents_of(asked)
    answered = worker.outcomes(documents)
    outcomes = (
        refused_document(document, record.source, record.position, outcome)
        if isinstance(outcome, str)
        else outcome
        for record, document, outcome in zip(asked, documents, answered, strict=True)
    )
    return results_of(chunk, outcomes)
