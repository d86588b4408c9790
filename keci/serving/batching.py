"""Texts of many requests, read together: what a text gets does not hang on its neighbours."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from keci.documents import Document, Extraction, Failure
from keci.errors import KeciError

BATCH_CHARACTERS = 50_000
"""A batch ends with the text that reaches it."""

WAITING_SHARE = 0.2
"""As long, of the seconds that a batch took, the next one waits to become as large."""

Outcome = Extraction | Failure
Extract = Callable[[Iterable[Document]], Iterable[Outcome]]


class FullError(KeciError):
    """More texts wait for an answer than may."""


class Gate:
    """Counts the texts that wait for an answer, and lets in no more than ``most``."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.inside = 0
        self._lock = threading.Lock()

    def enter(self, texts: int) -> None:
        """Raises FullError where so many more would be too many; an empty gate lets all in."""
        with self._lock:
            if self.inside and self.inside + texts > self.most:
                raise FullError(f"{self.inside} texts wait already")
            self.inside += texts

    def leave(self, _: "Future[Any] | None" = None) -> None:
        """One text is answered or given up."""
        with self._lock:
            self.inside -= 1


class _Job(NamedTuple):
    document: Document
    answer: "Future[Outcome]"


class Batcher:
    """Threads that read whatever texts wait, as many at once as ``most_texts``.

    While one thread's batch is in the encoder, the other links and tokenises the next. Clients who
    have their answers ask again within moments: a thread that has answered many waits for as many,
    but not long. Who asks alone is read at once.
    """

    def __init__(
        self,
        extract: Extract,
        *,
        most_texts: int,
        threads: int,
        watch: Callable[[int], object] = lambda _: None,
    ) -> None:
        """``watch`` is told how many texts each batch has."""
        self._extract, self._most_texts, self._watch = extract, most_texts, watch
        self._waiting: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"keci-batches-{number}")
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def is_working(self) -> bool:
        return not self._is_closed and all(thread.is_alive() for thread in self._threads)

    def submit(self, document: Document) -> "Future[Outcome]":
        """The text's answer; a future that is cancelled in time is not worked for."""
        job = _Job(document, Future())
        with self._changed:
            if self._is_closed:
                raise FullError("the server stops")
            self._waiting.append(job)
            self._changed.notify_all()
        return job.answer

    def close(self) -> None:
        """Answer what waits, and end the threads."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        texts, seconds = 1, 0.0
        while jobs := self._next(texts, WAITING_SHARE * seconds):
            started = time.monotonic()
            self._watch(len(jobs))
            self._answer(jobs)
            texts, seconds = len(jobs), time.monotonic() - started

    def _answer(self, jobs: Sequence[_Job]) -> None:
        try:
            outcomes = list(self._extract(job.document for job in jobs))
            answered = list(zip(jobs, outcomes, strict=True))
        except Exception as error:  # the futures hand it on to those who wait
            for job in jobs:
                job.answer.set_exception(error)
            return
        for job, outcome in answered:
            job.answer.set_result(outcome)

    def _next(self, wanted: int, seconds: float) -> Sequence[_Job]:
        """The next batch, waiting for it; empty at the end.

        So many seconds after its first text, or now, it is taken though it has fewer texts than
        ``wanted``.
        """
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                self._changed.wait_for(
                    lambda: len(self._waiting) >= wanted or self._is_closed, seconds
                )
                jobs = self._take()
                if jobs or (self._is_closed and not self._waiting):
                    return jobs

    def _take(self) -> list[_Job]:
        jobs: list[_Job] = []
        characters = 0
        while self._waiting and len(jobs) < self._most_texts and characters < BATCH_CHARACTERS:
            job = self._waiting.popleft()
            if job.answer.set_running_or_notify_cancel():
                jobs.append(job)
                characters += len(job.document.text)
        return jobs
