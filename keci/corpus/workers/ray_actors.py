"""Extraction by the actors of a Ray cluster, each with a model of its own.

The run itself reads, orders, counts and writes; an actor is handed the documents of a chunk and
answers with what it found. So parts, failures, resumption and bytes are those of a local run. Ray
starts an actor that has died again and gives it the chunks that it had not answered.
"""

import logging
import os
import socket
from collections import deque
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import ray
from ray.exceptions import RayError

from keci.corpus.records import START, Record
from keci.corpus.workers.frames import (
    Outcome,
    documents_from_bytes,
    documents_to_bytes,
    opened_from_bytes,
    opened_to_bytes,
    outcomes_from_bytes,
    outcomes_to_bytes,
    refusal_to_bytes,
)
from keci.corpus.workers.worker import ChunkExtractor, Open
from keci.documents import Document, Extraction, Failure
from keci.errors import KeciError, UsageError, WorkerError

_SECONDS_TO_ANSWER = 10.0


def connect(address: str | None) -> int:
    """Join the cluster at ``address``, or start one on this machine; the number of its cores.

    Nothing about the use of Ray is sent anywhere. Raises UsageError where there is no cluster.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray would lower an actor's priority by 15, so that whatever else runs here goes first.
    os.environ.setdefault("RAY_worker_niceness", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    _check_that_it_answers(address or os.environ.get("RAY_ADDRESS", ""))
    try:
        ray.init(
            address=address,
            include_dashboard=False if address is None else None,
            log_to_driver=True,
            logging_level=logging.ERROR,
            ignore_reinit_error=True,
        )
    except Exception as error:  # a bare one is raised where a node does not start in time
        raise UsageError(f"no Ray cluster can be used at {address or 'local'}: {error}") from error
    resources: Mapping[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]  # Ray's
    return int(resources.get("CPU", 1))


def _check_that_it_answers(address: str) -> None:
    """Raises UsageError where nothing listens at a host and port: Ray would try for minutes."""
    try:
        place = urlsplit(address if "//" in address else f"//{address}")
        if place.port is not None:
            socket.create_connection((place.hostname, place.port), _SECONDS_TO_ANSWER).close()
    except (OSError, ValueError) as error:
        raise UsageError(f"no Ray cluster answers at {address}: {error}") from error


def disconnect() -> None:
    """Leave the cluster; one that ``connect`` started ends."""
    ray.shutdown()


class ChunkReader:
    """What runs in an actor: a model, opened at the first use."""

    def __init__(self, open_extractor: Open, settings: Mapping[str, Any]) -> None:
        self._open = open_extractor
        self._settings = settings

    @cached_property
    def _opened(self) -> tuple[ChunkExtractor, Mapping[str, Any]]:
        return self._open(self._settings)

    def describe(self) -> bytes:
        """What was opened, or the name and message of the KeciError why it cannot be."""
        try:
            return opened_to_bytes(self._opened[1])
        except KeciError as error:
            return refusal_to_bytes(error)

    def read(self, documents: bytes) -> bytes:
        """The outcomes of a chunk's documents."""
        extract, _ = self._opened
        records = [Record("", 0, document, START) for document in documents_from_bytes(documents)]
        if not records:
            return outcomes_to_bytes([])
        (chunk,) = extract.each([records])
        outcomes = [result.outcome for result in chunk]
        read = [outcome for outcome in outcomes if isinstance(outcome, Extraction | Failure)]
        assert len(read) == len(outcomes), "documents alone were asked about"
        return outcomes_to_bytes(read)


class RayWorker:
    """An actor with the interface of a WorkerProcess."""

    def __init__(
        self, open_extractor: Open, settings: Mapping[str, Any], *, cores: int, gpus: float
    ) -> None:
        actor: Any = ray.remote(ChunkReader)
        self._actor: Any = actor.options(
            num_cpus=cores, num_gpus=gpus, max_restarts=-1, max_task_retries=-1
        ).remote(open_extractor, settings)
        self._described = self._actor.describe.remote()
        self._waiting: deque[Any] = deque()

    @property
    def id(self) -> int:
        """No process of this machine: its memory is Ray's to watch."""
        return os.getpid()

    @cached_property
    def description(self) -> Mapping[str, Any]:
        """Waits for what it says it has opened; raises the KeciError that opening raised there."""
        return opened_from_bytes(_get(self._described))

    @property
    def unanswered(self) -> int:
        """Chunks that it has not read to their end."""
        if not self._waiting:
            return 0
        waiting = list(self._waiting)
        ready, _ = ray.wait(waiting, num_returns=len(waiting), timeout=0)
        return len(waiting) - len(ready)

    @property
    def has_outcomes(self) -> bool:
        """Whether ``outcomes`` need not wait."""
        if not self._waiting:
            return False
        ready, _ = ray.wait([self._waiting[0]], timeout=0)
        return bool(ready)

    def begin(self, documents: Sequence[Document]) -> None:
        """Hand a chunk over."""
        self._waiting.append(self._actor.read.remote(documents_to_bytes(documents)))

    def end(self) -> None:
        """Say that no chunk comes any more; an actor need not be told."""

    def outcomes(self, documents: Sequence[Document]) -> list[Outcome]:
        """Waits for those of the first chunk whose outcomes were not taken yet, its ``documents``.

        Raises WorkerError where Ray cannot have it read, else as ``description`` does.
        """
        assert self.description
        return outcomes_from_bytes(_get(self._waiting.popleft()), documents)

    def stop(self) -> None:
        """End the actor, whatever it is doing."""
        ray.kill(self._actor)


def _get(reference: Any) -> bytes:
    try:
        content: bytes = ray.get(reference)
    except RayError as error:
        raise WorkerError(f"a Ray actor could not do its work: {error}") from error
    return content
