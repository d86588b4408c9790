import os
import threading
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.corpus.workers.frames import (
    END,
    BrokenFrameError,
    Inbox,
    Outbox,
    documents_from_bytes,
    documents_to_bytes,
    outcomes_from_bytes,
    outcomes_to_bytes,
    receive,
    send,
)
from keci.documents import Document, Extraction, Failure
from tests.strategies import extractions, hard_texts


@given(st.lists(st.binary(max_size=50)))
def test_frames_come_as_they_were_sent(contents: list[bytes]) -> None:
    pipe = BytesIO()
    for content in contents:
        send(pipe, content)
    pipe.seek(0)
    assert [receive(pipe) for _ in contents] == contents
    with pytest.raises(BrokenFrameError):
        receive(pipe)


@pytest.mark.parametrize("kept", [1, 7, 8, 9])
def test_a_frame_that_breaks_off_is_noticed(kept: int) -> None:
    pipe = BytesIO()
    send(pipe, b"abc")
    with pytest.raises(BrokenFrameError):
        receive(BytesIO(pipe.getvalue()[:kept]))


@given(st.lists(st.builds(Document, hard_texts(), hard_texts() | st.just("\ud800 half"))))
def test_documents_come_as_they_were(documents: list[Document]) -> None:
    assert documents_from_bytes(documents_to_bytes(documents)) == documents


@given(st.lists(extractions(), max_size=3), st.text())
def test_outcomes_come_as_they_were(found: list[Extraction], reason: str) -> None:
    failed = Failure("source", 3, "id", reason)
    documents = [Document("id", "text"), *(item.document for item in found)]
    content = outcomes_to_bytes([failed, *found])
    assert outcomes_from_bytes(content, documents) == [reason, *found]


def test_threads_write_and_read_what_fills_no_pipe() -> None:
    reading, writing = os.pipe()
    large = [bytes([number]) * 300_000 for number in range(1, 5)]
    outbox = Outbox(os.fdopen(writing, "wb"))
    for content in (*large, END):
        outbox.put(content)
    inbox = Inbox(os.fdopen(reading, "rb"))
    assert [inbox.get() for _ in range(5)] == [*large, END]
    assert inbox.received == 5
    assert inbox.is_empty
    outbox.close()


def test_an_inbox_tells_that_its_pipe_has_ended() -> None:
    pipe = BytesIO()
    send(pipe, b"last")
    broken = threading.Event()
    inbox = Inbox(BytesIO(pipe.getvalue() + b"\0"), when_broken=broken.set)
    assert inbox.get() == b"last"
    for _ in range(2):
        with pytest.raises(BrokenFrameError):
            inbox.get()
    assert broken.wait(10)


def test_an_inbox_that_came_to_its_end_is_not_broken() -> None:
    pipe = BytesIO()
    send(pipe, END)
    broken = threading.Event()
    assert Inbox(BytesIO(pipe.getvalue()), when_broken=broken.set).get() == END
    assert not broken.wait(0.1)


def test_an_outbox_outlives_its_pipe() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    outbox = Outbox(os.fdopen(writing, "wb"))
    for _ in range(3):
        outbox.put(b"nobody reads this")
    outbox.close()
