"""What a worker answers, asked through pipes in this process."""

import logging
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest

from keci import opening
from keci.corpus.workers.frames import (
    END,
    BrokenFrameError,
    Inbox,
    documents_to_bytes,
    outcomes_from_bytes,
    receive,
    send,
)
from keci.corpus.workers.worker import serve
from keci.documents import Document, Extraction
from keci.opening import ModelOptions
from keci.pipeline import Pipeline
from tests.keci.corpus.corpora import UNEXTRACTABLE, extraction_of
from tests.keci.corpus.names_worker import open_names
from tests.tiny import documents

CHUNKS = (
    [Document("a", "Abc and Rash"), Document("b", f"{UNEXTRACTABLE} b")],
    [Document("c", "Pain")],
    [],
)


def inbox(*frames: bytes, settings: Mapping[str, Any]) -> Inbox:
    pipe = BytesIO()
    for frame in (orjson.dumps(settings), *frames):
        send(pipe, frame)
    pipe.seek(0)
    return Inbox(pipe)


def answers(pipe: BytesIO) -> Iterator[bytes]:
    pipe.seek(0)
    while pipe.tell() < len(pipe.getvalue()):
        yield receive(pipe)


def test_a_worker_tells_what_it_opened_and_answers_chunk_by_chunk() -> None:
    output = BytesIO()
    requests = [documents_to_bytes(chunk) for chunk in CHUNKS]
    serve(open_names, inbox(*requests, END, settings={"number": 5}), output)
    first, *others = answers(output)
    assert orjson.loads(first) == {"description": {"opened": 5}}
    found = [outcomes_from_bytes(*pair) for pair in zip(others, CHUNKS, strict=True)]
    expected: list[list[Extraction | str]] = [
        [extraction_of(CHUNKS[0][0]), "cannot"],
        [extraction_of(CHUNKS[1][0])],
        [],
    ]
    assert found == expected


def test_what_cannot_be_opened_is_answered() -> None:
    output = BytesIO()
    serve(open_names, inbox(END, settings={"error": "no such model"}), output)
    (answer,) = map(orjson.loads, answers(output))
    assert answer == {"error": "UsageError", "message": "no such model"}


def test_requests_that_break_off_are_not_taken_for_their_end() -> None:
    requests = inbox(documents_to_bytes(CHUNKS[0]), settings={"number": 0})
    with pytest.raises(BrokenFrameError):
        serve(open_names, requests, BytesIO())


@pytest.mark.usefixtures("_as_before")
def test_the_real_extractor_answers_as_it_does_without_a_worker(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "collect_rarely", lambda: None)  # it is for a process of its own
    texts = ["rash after abc.", "", "pain with rash and abc kinase. rash after drug."]
    chunks = [documents(*texts), documents(*reversed(texts)), []]
    options = ModelOptions(model=str(tiny_bundle), without_kb=True, threads=1)
    settings = {"options": options.to_record(), "log_level": logging.ERROR}
    output = BytesIO()
    requests = [documents_to_bytes(chunk) for chunk in chunks]
    serve(opening.open_as_worker, inbox(*requests, END, settings=settings), output)
    first, *others = answers(output)
    with Pipeline(opening.open_extractor(options)) as pipeline:
        assert orjson.loads(first)["description"] == pipeline.description
        expected = [list(pipeline.extract(chunk)) for chunk in chunks]
    found = [outcomes_from_bytes(*pair) for pair in zip(others, chunks, strict=True)]
    assert found == expected
    assert any(isinstance(each, Extraction) and each.mentions for each in found[0])
