"""What a run and its worker processes tell each other: frames of JSON through pipes.

A run sends chunks of documents and then the end; a worker answers first with what it opened, then
with one frame for each chunk, in order.
"""

import json
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO, Any

import orjson

from keci import errors
from keci.documents import Document, Extraction, Failure

_LENGTH_BYTES = 8
END = b""
"""A frame that says that no more come."""

Outcome = Extraction | str
"""What became of a document: its extraction, or the reason of its failure."""


class BrokenFrameError(EOFError):
    """A pipe ended inside a frame, or before the end was sent through it."""


class Inbox:
    """Frames that a thread reads from a pipe as they come, up to END; ``received`` counts them."""

    def __init__(self, pipe: IO[bytes], when_broken: Callable[[], None] = lambda: None) -> None:
        """``when_broken`` is called where the pipe ends before END came through it."""
        self.received = 0
        self._when_broken = when_broken
        self._frames: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(pipe,), name="keci-inbox", daemon=True).start()

    @property
    def is_empty(self) -> bool:
        """Whether ``get`` has to wait."""
        return self._frames.empty()

    def get(self) -> bytes:
        """The next frame; raises BrokenFrameError where the pipe has ended."""
        content = self._frames.get()
        if content is None:
            self._frames.put(None)
            raise BrokenFrameError
        return content

    def _read(self, pipe: IO[bytes]) -> None:
        try:
            content = None
            while content != END:
                content = receive(pipe)
                self._frames.put(content)
                self.received += 1
        except (OSError, ValueError, BrokenFrameError):  # ValueError: it was closed meanwhile
            self._frames.put(None)
            self._when_broken()


class Outbox:
    """Frames that a thread writes to a pipe; those after the pipe has broken go nowhere."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._frames: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=self._write, args=(pipe,), name="keci-outbox", daemon=True).start()

    def put(self, content: bytes) -> None:
        self._frames.put(content)

    def close(self) -> None:
        """Close the pipe after what was put."""
        self._frames.put(None)

    def _write(self, pipe: IO[bytes]) -> None:
        with suppress(OSError), pipe:
            while (content := self._frames.get()) is not None:
                send(pipe, content)


def send(pipe: IO[bytes], content: bytes) -> None:
    """Write one frame, at once."""
    pipe.write(len(content).to_bytes(_LENGTH_BYTES, "little") + content)
    pipe.flush()


def receive(pipe: IO[bytes]) -> bytes:
    """The next frame; raises BrokenFrameError where the pipe ends before it does."""
    return _read(pipe, int.from_bytes(_read(pipe, _LENGTH_BYTES), "little"))


def _read(pipe: IO[bytes], length: int) -> bytes:
    content = pipe.read(length)
    if len(content) < length:
        raise BrokenFrameError
    return content


def documents_to_bytes(documents: Sequence[Document]) -> bytes:
    """Documents as ASCII, in which even half of a surrogate pair can be written."""
    return json.dumps([[document.id, document.text] for document in documents]).encode()


def documents_from_bytes(content: bytes) -> list[Document]:
    """What ``documents_to_bytes`` was given."""
    return [Document(*item) for item in json.loads(content)]


def outcomes_to_bytes(outcomes: Sequence[Extraction | Failure]) -> bytes:
    """Extractions without what the receiver has, the texts, and the reasons of failures."""
    return orjson.dumps(
        [
            outcome.reason if isinstance(outcome, Failure) else _without_texts(outcome)
            for outcome in outcomes
        ]
    )


def outcomes_from_bytes(content: bytes, documents: Sequence[Document]) -> list[Outcome]:
    """The outcomes of the documents, in their order."""
    return [
        outcome
        if isinstance(outcome, str)
        else Extraction.from_record(
            {"id": document.id, "text": document.text, "metadata": document.metadata, **outcome}
        )
        for document, outcome in zip(documents, orjson.loads(content), strict=True)
    ]


def _without_texts(extraction: Extraction) -> Mapping[str, Any]:
    record = extraction.to_record()
    for entity in record["entities"]:
        del entity["text"]
    return {"entities": record["entities"], "relations": record["relations"]}


def opened_to_bytes(description: Mapping[str, Any]) -> bytes:
    """What a worker says first: what it opened."""
    return orjson.dumps({"description": description})


def refusal_to_bytes(error: errors.KeciError) -> bytes:
    """What a worker says first where opening raised an error."""
    return orjson.dumps({"error": type(error).__name__, "message": str(error)})


def opened_from_bytes(answer: bytes) -> Mapping[str, Any]:
    """What a worker has opened; raises the KeciError that opening raised there."""
    record = orjson.loads(answer)
    if "error" in record:
        raise getattr(errors, record["error"])(record["message"])
    description: Mapping[str, Any] = record["description"]
    return description
