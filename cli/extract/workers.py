"""What extracts in a run of keci-extract: a model here, several in processes, or Ray actors."""

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from keci.corpus.workers.processes import ProcessExtractor, WorkerProcess
from keci.errors import UsageError
from keci.pipeline import ModelChoice, open_with_mentions
from keci.runtime.threads import threads_of_processes

if TYPE_CHECKING:
    from keci.corpus.extraction import CorpusExtractor

COMMAND = (sys.executable, "-P", "-m", "keci.cli.extract.worker")
"""``-P``: as the run itself, a worker imports nothing from the folder that it happens to be in."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What extracts, what a run's manifest says of it, and the ids of the other processes."""

    extract: "CorpusExtractor | ProcessExtractor"
    description: Mapping[str, Any]
    process_ids: Callable[[], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Engine:
    """Where models run: ``local``, in processes of this machine, or ``ray``, in a cluster's actors.

    ``address`` is the cluster's; None starts one on this machine.
    """

    name: str = "local"
    address: str | None = None

    def __post_init__(self) -> None:
        if self.address and self.name != "ray":
            raise UsageError("--ray-address goes with --engine ray")


@contextmanager
def opened_models(
    choice: ModelChoice,
    processes: int | None,
    engine: Engine | None = None,
    *,
    is_whole: bool = True,
) -> Iterator[Opened]:
    """Models that share the cores that ``choice`` leaves them; other processes end at the exit.

    Unless a part of the corpus is read only (not ``is_whole``), mentions of another program of
    which none fits a text raise DataError at the exit.

    Raises UsageError or BundleError where the model or its knowledge base cannot be opened.
    """
    if engine and engine.name == "ray":
        with _ray_actors(choice, processes, engine.address) as actors:
            yield actors
        return
    threads = threads_of_processes(choice.threads, processes, choice.device)
    if len(threads) == 1:
        opened, mentions = open_with_mentions(choice)
        yield Opened(opened.extract, opened.description, tuple)
        if mentions:
            mentions.check_used(is_whole=is_whole)
        return
    extract = ProcessExtractor(lambda number: _start(choice, number, threads), len(threads))
    try:
        yield Opened(extract, extract.description, lambda: extract.process_ids)
    finally:
        extract.stop()


@contextmanager
def _ray_actors(
    choice: ModelChoice, processes: int | None, address: str | None
) -> Iterator[Opened]:
    """Actors of a cluster, one for each core if not said otherwise; they end at the exit."""
    try:
        from keci.corpus.workers import ray_actors
    except ImportError as error:
        raise UsageError("--engine ray needs Ray: pip install 'keci[ray]'") from error
    from keci.cli.extract.worker import open_chosen

    cores = ray_actors.connect(address)
    gpus = 0.0 if choice.device == "cpu" else 1.0
    threads = max((choice.threads or cores) // (processes or cores), 1)
    own = replace(choice, threads=threads)
    level = logging.getLogger("keci").level

    def start(number: int) -> ray_actors.RayWorker:
        settings = {"choice": own.to_record(), "log_level": logging.ERROR if number else level}
        return ray_actors.RayWorker(open_chosen, settings, cores=threads, gpus=gpus)

    try:
        extract = ProcessExtractor(start, processes or max(cores // threads, 1))
        try:
            yield Opened(extract, extract.description, tuple)
        finally:
            extract.stop()
    finally:
        ray_actors.disconnect()


def _start(choice: ModelChoice, number: int, threads: Sequence[int]) -> WorkerProcess:
    """Start the process of that number; what all of them would log, the first one does."""
    own = replace(choice, threads=threads[number])
    level = logging.ERROR if number else logging.getLogger("keci").level
    return WorkerProcess(COMMAND, {"choice": own.to_record(), "log_level": level})
