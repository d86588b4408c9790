"""What extracts in a run of keci-extract: a model in this process, or several in others."""

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from keci.corpus.workers.processes import ProcessExtractor, WorkerProcess
from keci.pipeline import ModelChoice, open_model
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


@contextmanager
def opened_models(choice: ModelChoice, processes: int | None) -> Iterator[Opened]:
    """Models that share the cores that ``choice`` leaves them; other processes end at the exit.

    Raises UsageError or BundleError where the model or its knowledge base cannot be opened.
    """
    threads = threads_of_processes(choice.threads, processes, choice.device)
    if len(threads) == 1:
        opened = open_model(choice)
        yield Opened(opened.extract, opened.description, tuple)
        return
    extract = ProcessExtractor(lambda number: _start(choice, number, threads), len(threads))
    try:
        yield Opened(extract, extract.description, lambda: extract.process_ids)
    finally:
        extract.stop()


def _start(choice: ModelChoice, number: int, threads: Sequence[int]) -> WorkerProcess:
    """Start the process of that number; what all of them would log, the first one does."""
    own = replace(choice, threads=threads[number])
    level = logging.ERROR if number else logging.getLogger("keci").level
    return WorkerProcess(COMMAND, {"choice": own.to_record(), "log_level": level})
