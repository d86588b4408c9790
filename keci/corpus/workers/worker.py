"""The work of a process that extracts for another one."""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Protocol

import orjson

from keci.corpus.records import START, Chunk, Record
from keci.corpus.workers.frames import (
    END,
    Inbox,
    documents_from_bytes,
    opened_to_bytes,
    outcomes_to_bytes,
    refusal_to_bytes,
    send,
)
from keci.documents import Extraction, Failure
from keci.errors import KeciError


class ChunkExtractor(Protocol):
    """Reads chunks in order: a CorpusExtractor."""

    def each(
        self, given: Iterable[Sequence[Record]], is_at_hand: Callable[[], bool] = ...
    ) -> Iterator[Chunk]: ...


Open = Callable[[Mapping[str, Any]], tuple[ChunkExtractor, Mapping[str, Any]]]
"""Opens what settings ask for, and says what that is."""


def work(open_extractor: Open) -> None:
    """Read settings, then chunks of documents from standard input; answer on standard output.

    Signals that end a run are left to the run: its end closes the input, and so ends this process.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    requests, answers = _take_pipes()
    try:
        serve(open_extractor, Inbox(requests, when_broken=_leave), answers)
    except BrokenPipeError:
        _leave()


def _leave() -> None:
    """End at once: the run has ended, nobody waits for what is being read."""
    os._exit(1)


def _take_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Standard input and output, for frames alone.

    What else reads there finds nothing, and what else is written goes to standard error.
    """
    given, answered = sys.stdin.fileno(), sys.stdout.fileno()
    pipes = os.fdopen(os.dup(given), "rb"), os.fdopen(os.dup(answered), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, given)
    os.close(nothing)
    os.dup2(sys.stderr.fileno(), answered)
    return pipes


def serve(open_extractor: Open, inbox: Inbox, answers: IO[bytes]) -> None:
    """Answer requests until END; raises BrokenFrameError or BrokenPipeError where a pipe ends.

    Settings that cannot be opened are answered with the name of the error and its message.
    """
    try:
        extract, description = open_extractor(orjson.loads(inbox.get()))
    except KeciError as error:
        send(answers, refusal_to_bytes(error))
        inbox.get()  # nobody asks for more: the run ends
        return
    send(answers, opened_to_bytes(description))
    for chunk in extract.each(_chunks(inbox), is_at_hand=lambda: not inbox.is_empty):
        outcomes = [result.outcome for result in chunk]
        read = [outcome for outcome in outcomes if isinstance(outcome, Extraction | Failure)]
        assert len(read) == len(outcomes), "documents alone were asked about"
        send(answers, outcomes_to_bytes(read))


def _chunks(inbox: Inbox) -> Iterator[list[Record]]:
    while (content := inbox.get()) != END:
        yield [Record("", 0, document, START) for document in documents_from_bytes(content)]
