import gzip
import io

import pytest

from keci.documents import Document, Failure
from keci.formats.plain import read_text
from keci.formats.stream import ContentStream, ReadOptions


def read(content: bytes, options: ReadOptions | None = None) -> Document | Failure:
    stream = ContentStream(io.BufferedReader(io.BytesIO(content)))
    (record,) = read_text(stream, "folder/note.txt", options or ReadOptions())
    return record


@pytest.mark.parametrize("text", ["", "One.\r\nTwo.\n\n", "\x00", "\U0001f9ec " * 50_000])
def test_a_file_is_one_document_with_its_very_characters(text: str) -> None:
    assert read(text.encode()) == Document("note.txt", text)


def test_a_byte_order_mark_is_dropped() -> None:
    assert read(b"\xef\xbb\xbfA.") == Document("note.txt", "A.")


@pytest.mark.parametrize(
    ("content", "limit", "reason"),
    [
        (b"good \xff bad", 100, "not valid UTF-8 at byte 5"),
        (b"x" * 101, 100, "longer than the limit of 100 bytes"),
        (gzip.compress(b"x" * 50, mtime=0)[:-9], 100, "truncated"),
    ],
)
def test_what_cannot_be_read_is_one_failure(content: bytes, limit: int, reason: str) -> None:
    record = read(content, ReadOptions(max_record_bytes=limit))
    assert isinstance(record, Failure)
    assert (record.position, record.id) == (1, "note.txt")
    assert reason in record.reason
