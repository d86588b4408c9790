"""Texts of many requests in batches."""

import threading
import time
from collections.abc import Iterable, Iterator

import pytest

from keci.documents import Document, Extraction
from keci.serving.batching import BATCH_CHARACTERS, WAITING_SHARE, Batcher, FullError, Gate


class Model:
    """Echoes texts, one batch at a time when it is let go on, after so many seconds."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.seconds = 0.0
        self.is_reading, self.may_go_on = threading.Event(), threading.Event()

    def __call__(self, documents: Iterable[Document]) -> Iterator[Extraction]:
        known = list(documents)
        self.batches.append([document.text for document in known])
        self.is_reading.set()
        assert self.may_go_on.wait(10)
        time.sleep(self.seconds)
        if any(document.text == "bad" for document in known):
            raise RuntimeError("no")
        for document in known:
            yield Extraction(document.id, document.text)


def documents(*texts: str) -> list[Document]:
    return [Document(str(number), text) for number, text in enumerate(texts)]


def test_what_waits_is_read_together() -> None:
    model, sizes = Model(), list[int]()
    batcher = Batcher(model, most_texts=3, threads=1, watch=sizes.append)
    first = batcher.submit(Document("0", "first"))
    assert model.is_reading.wait(10)
    answers = [batcher.submit(document) for document in documents("a", "b", "c", "d", "e")]
    assert answers[1].cancel()
    model.may_go_on.set()
    assert [answers[place].result(10).id for place in (0, 2, 3, 4)] == ["0", "2", "3", "4"]
    assert first.result(10) == Extraction("0", "first")
    batcher.close()
    assert model.batches == [["first"], ["a", "c", "d"], ["e"]]
    assert sizes == [1, 3, 1]


def test_who_comes_back_at_once_is_waited_for() -> None:
    model = Model()
    batcher = Batcher(model, most_texts=9, threads=1)
    batcher.submit(Document("0", "first"))
    assert model.is_reading.wait(10)
    answers = [batcher.submit(document) for document in documents(*"abc")]
    time.sleep(0.3)
    model.may_go_on.set()
    model.seconds = 0.5
    answers[0].result(10)
    for document in documents(*"def"):
        batcher.submit(document)
        time.sleep(0.02)
    batcher.close()
    assert model.batches == [["first"], ["a", "b", "c"], ["d", "e", "f"]]


def test_nobody_is_waited_for_long() -> None:
    model = Model()
    model.may_go_on.set()
    batcher = Batcher(model, most_texts=9, threads=1)
    model.seconds = 0.5
    batcher.submit(Document("0", "first"))
    many = [batcher.submit(document) for document in documents(*"abc")]
    many[0].result(10)
    started = time.monotonic()
    assert batcher.submit(Document("1", "alone")).result(10).id == "1"
    assert time.monotonic() - started < 0.5 + 0.5 * WAITING_SHARE + 0.3
    batcher.close()


def test_long_texts_make_small_batches() -> None:
    model = Model()
    batcher = Batcher(model, most_texts=9, threads=1)
    batcher.submit(Document("0", "first"))
    assert model.is_reading.wait(10)
    for document in documents("x" * BATCH_CHARACTERS, "a", "b"):
        batcher.submit(document)
    model.may_go_on.set()
    batcher.close()
    assert [len(batch) for batch in model.batches] == [1, 1, 2]


def test_an_error_reaches_those_who_wait_and_the_next_are_read() -> None:
    model = Model()
    model.may_go_on.set()
    batcher = Batcher(model, most_texts=3, threads=2)
    with pytest.raises(RuntimeError, match="no"):
        batcher.submit(Document("0", "bad")).result(10)
    assert batcher.submit(Document("1", "good")).result(10).id == "1"
    assert batcher.is_working
    batcher.close()
    assert not batcher.is_working
    with pytest.raises(FullError, match="stops"):
        batcher.submit(Document("2", "late"))


def test_what_waits_is_answered_before_the_end() -> None:
    model = Model()
    batcher = Batcher(model, most_texts=1, threads=2)
    answers = [batcher.submit(document) for document in documents(*"abcdef")]
    model.may_go_on.set()
    batcher.close()
    assert [answer.result(0).id for answer in answers] == list("012345")


def test_a_gate_lets_in_so_many() -> None:
    gate = Gate(3)
    gate.enter(5)  # nobody else is there
    with pytest.raises(FullError, match="5 texts wait"):
        gate.enter(1)
    for _ in range(4):
        gate.leave()
    gate.enter(2)
    with pytest.raises(FullError):
        gate.enter(1)
    assert gate.inside == 3
