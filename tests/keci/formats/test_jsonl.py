import io

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.documents import Document, Failure
from keci.formats.jsonl import read_jsonl, read_lines
from keci.formats.stream import CHUNK_SIZE, ContentStream, ReadOptions

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def read(content: bytes, options: ReadOptions | None = None) -> list[Document | Failure]:
    stream = ContentStream(io.BufferedReader(io.BytesIO(content)))
    return list(read_jsonl(stream, "in.jsonl", options or ReadOptions()))


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=8))
def test_records_come_back_in_order(records: list[tuple[str, str]]) -> None:
    content = b"\n".join(orjson.dumps({"id": name, "text": text}) for name, text in records)
    assert read(content) == [Document(name, text) for name, text in records]


def test_fields_can_be_named_and_identifiers_left_out() -> None:
    options = ReadOptions(text_field="abstract", id_field="pmid")
    content = (
        b'{"pmid": 7, "abstract": "A"}\n\n \t\r\n{"abstract": "B"}\n{"pmid": null, "abstract": ""}'
    )
    assert read(content, options) == [
        Document("7", "A"),
        Document("in.jsonl:2", "B"),
        Document("in.jsonl:3", ""),
    ]


@pytest.mark.parametrize(
    ("line", "record_id", "reason"),
    [
        (b"nonsense", "", "line 2: not valid JSON"),
        (b'{"id": "x", "text": "torn', "", "line 2: not valid JSON"),
        (b'["a"]', "", "expected a JSON object, got an array"),
        (b"17", "", "expected a JSON object, got a number"),
        (b'{"id": "x"}', "x", "the field 'text' is missing; there are id"),
        (b'{"id": "x", "Title": "", "abstract": ""}', "x", "as --text-field Title,abstract)"),
        (b'{"id": "x", "text": 5}', "x", "must be a string, got a number"),
        (b'{"id": "", "text": "a"}', "", "must be a non-empty string, got an empty string"),
        (b'{"id": true, "text": "a"}', "", "must be a non-empty string, got a boolean"),
        (b'{"id": {}, "text": "a"}', "", "must be a non-empty string, got an object"),
        (b'{"id": "x", "text": "\\ud800"}', "", "not valid JSON"),
        (b'{"id": "x", "text": "\xff"}', "", "not valid JSON"),
        (b"[" * 5000, "", "nested deeper than the limit of 200"),
    ],
)
def test_a_bad_line_fails_alone(line: bytes, record_id: str, reason: str) -> None:
    before, failure, after = read(b'{"text": "a"}\n' + line + b'\n{"text": "b"}')
    assert (before, after) == (Document("in.jsonl:1", "a"), Document("in.jsonl:3", "b"))
    assert isinstance(failure, Failure)
    assert (failure.source, failure.position, failure.id) == ("in.jsonl", 2, record_id)
    assert reason in failure.reason
    assert failure.excerpt == line.decode("utf-8", "replace")[:200]


def test_a_record_beyond_the_limit_fails_and_the_next_is_read() -> None:
    content = b'{"text": "' + b"x" * (3 * CHUNK_SIZE) + b'"}\n{"id": "2", "text": "b"}\n'
    failure, document = read(content, ReadOptions(max_record_bytes=1000))
    assert isinstance(failure, Failure)
    assert "longer than the limit of 1,000 bytes" in failure.reason
    assert document == Document("2", "b")


@given(st.lists(st.binary().map(lambda line: line.replace(b"\n", b"")), max_size=6))
def test_lines_are_those_of_split(lines: list[bytes]) -> None:
    content = b"\n".join(lines)
    expected = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if not expected[-1]:
        expected.pop()
    if not content.startswith(b"\x1f\x8b"):
        stream = ContentStream(io.BufferedReader(io.BytesIO(content)))
        assert list(read_lines(stream, 1000)) == expected


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_fail(content: bytes) -> None:
    for record in read(content):
        assert isinstance(record, Document | Failure)


@pytest.mark.parametrize("between", [b"", b" ", b",", b" ,\t", b"\r", b"\r\r"])
@given(records=st.lists(st.tuples(TEXT.filter(bool), TEXT), min_size=1, max_size=5))
def test_objects_on_one_line_are_records_of_their_own(
    between: bytes, records: list[tuple[str, str]]
) -> None:
    line = between.join(orjson.dumps({"id": name, "text": text}) for name, text in records)
    documents = [Document(name, text) for name, text in records]
    assert read(line) == documents
    assert read(line + between + b"\n" + line + b",\n") == documents * 2


def test_only_what_is_damaged_on_a_line_fails() -> None:
    content = b'{"text": "a"}{"text": "b"}, {"te\n{"text": "c"}x\n{"text": "d", "list": [{}, {}]}\n'
    first, second, torn, third, fourth = read(content)
    assert [first, second, fourth] == [
        Document("in.jsonl:1", "a"), Document("in.jsonl:2", "b"), Document("in.jsonl:5", "d"),
    ]  # fmt: skip
    assert isinstance(torn, Failure)
    assert isinstance(third, Failure)
    assert (torn.position, torn.original) == (3, b'{"te')
    assert torn.reason.startswith("line 1: not valid JSON")
    assert third.original == b'{"text": "c"}x'
