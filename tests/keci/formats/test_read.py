import gzip
import io
import os
import sys
import threading
from pathlib import Path

import pytest

from keci.documents import Document, Failure
from keci.errors import UsageError
from keci.formats.read import read_documents

JSONL = b'{"id": "a", "text": "A."}\n{"id": "b", "text": "B."}\n'
XML = b"<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID></MedlineCitation></PubmedArticle></PubmedArticleSet>"  # noqa: E501


def write(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


def stdin_of(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_inputs_of_all_formats_come_in_order(tmp_path: Path) -> None:
    inputs = [
        write(tmp_path, "one.txt", b"Some text."),
        write(tmp_path, "two.dat", gzip.compress(JSONL)),
        write(tmp_path, "three", XML),
    ]
    assert list(read_documents(inputs)) == [
        Document("one.txt", "Some text."),
        Document("a", "A."),
        Document("b", "B."),
        Document("1", ""),
    ]


def test_a_format_can_be_forced(tmp_path: Path) -> None:
    path = write(tmp_path, "data.jsonl", JSONL)
    assert list(read_documents([path], input_format="text")) == [
        Document("data.jsonl", JSONL.decode())
    ]


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (JSONL, gzip.compress(JSONL)):
        stdin_of(monkeypatch, content)
        assert [record.id for record in read_documents(["-"])] == ["a", "b"]
    stdin_of(monkeypatch, b"")
    assert list(read_documents(["-"])) == []
    stdin_of(monkeypatch, b"Plain words.")
    assert list(read_documents(["-"])) == [Document("stdin", "Plain words.")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    feeder = threading.Thread(target=pipe.write_bytes, args=(JSONL,))
    feeder.start()
    assert [record.id for record in read_documents([str(pipe)])] == ["a", "b"]
    feeder.join()


def test_all_inputs_are_checked_before_the_first_record(tmp_path: Path) -> None:
    good = write(tmp_path, "good.jsonl", JSONL)
    foreign = write(tmp_path, "foreign.xml", b"<book/>")
    with pytest.raises(UsageError, match="does not exist"):
        read_documents([good, str(tmp_path / "absent")])
    with pytest.raises(UsageError, match="<book>"):
        read_documents([foreign, foreign])
    with pytest.raises(UsageError, match="at least one input"):
        read_documents([])
    with pytest.raises(UsageError, match="only once"):
        read_documents(["-", good, "-"])
    with pytest.raises(UsageError, match="unknown input format 'xlsx'"):
        read_documents([good], input_format="xlsx")


def test_reading_goes_on_after_a_truncated_input(tmp_path: Path) -> None:
    lines = b"".join(b'{"id": "%d", "text": "%s"}\n' % (n, os.urandom(8).hex().encode())
                     for n in range(5000))  # fmt: skip
    cut = write(tmp_path, "cut.jsonl.gz", gzip.compress(lines)[:-5000])
    *documents, failure, last_a, last_b = read_documents([cut, write(tmp_path, "b.jsonl", JSONL)])
    assert [document.id for document in documents] == [str(n) for n in range(len(documents))]
    assert len(documents) > 4000
    assert isinstance(failure, Failure)
    assert (failure.source, failure.position) == (cut, len(documents) + 1)
    assert "truncated" in failure.reason
    assert (last_a.id, last_b.id) == ("a", "b")


def test_an_input_that_vanishes_is_a_failure(tmp_path: Path) -> None:
    first = write(tmp_path, "a.jsonl", JSONL)
    second = write(tmp_path, "b.jsonl", JSONL)
    records = read_documents([first, second])
    next(records)
    Path(second).unlink()
    _, failure = records
    assert isinstance(failure, Failure)
    assert "cannot open" in failure.reason


def test_the_example_abstracts_are_read() -> None:
    examples = Path(__file__).parents[3] / "examples" / "abstracts.jsonl"
    records = list(read_documents([str(examples)]))
    assert len({record.id for record in records}) == 5
    assert all(isinstance(record, Document) and len(record.text) > 800 for record in records)
