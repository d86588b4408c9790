import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.documents import Document, Failure
from keci.formats.pubtator import read_pubtator
from keci.formats.stream import ContentStream, ReadOptions

LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"))


def read(content: str | bytes, options: ReadOptions | None = None) -> list[Document | Failure]:
    raw = content.encode() if isinstance(content, str) else content
    stream = ContentStream(io.BufferedReader(io.BytesIO(raw)))
    return list(read_pubtator(stream, "in", options or ReadOptions()))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("gap", ["", "\n", "\n \n"])
def test_documents_are_read_with_pubtator_offsets(end: str, gap: str) -> None:
    content = (
        f"1|t|A title{end}1|a|Its | text.{end}1\t0\t1\tA\tGene\t5{end}1\tBind\t5\t6{end}"
        f"{gap.replace(chr(10), end)}2|t|Alone{end}"
    )
    assert read(content) == [Document("1", "A title\nIts | text."), Document("2", "Alone")]


@given(st.lists(st.tuples(LINE, LINE), max_size=5))
def test_any_texts_come_back(texts: list[tuple[str, str]]) -> None:
    content = "\n\n".join(f"{n}|t|{title}\n{n}|a|{text}" for n, (title, text) in enumerate(texts))
    assert read(content) == [
        Document(str(n), f"{title}\n{text}") for n, (title, text) in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (b"2|t|T\nstray words", "line 4: expected ID|t|title"),
        (b"2|t|T\n3|a|A", "line 4: a second id"),
        (b"2|a|A\n2|a|B", "line 4: a second id, title or abstract"),
        (b"2\t0\t1\tx\tGene\t5", "line 3: annotations without a title"),
        (b"2|t|\xff", "line 3: not valid UTF-8"),
        (b"2|t|" + b"x" * 500, "line 3: longer than the limit of 400 bytes"),
    ],
)
def test_a_bad_document_fails_alone(block: bytes, reason: str) -> None:
    records = read(b"1|t|One\n\n" + block + b"\n\n9|t|Nine\n", ReadOptions(max_record_bytes=400))
    first, failure, last = records
    assert (first, last) == (Document("1", "One"), Document("9", "Nine"))
    assert isinstance(failure, Failure)
    assert failure.position == 2
    assert failure.reason.startswith(reason)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_fail(content: bytes) -> None:
    for record in read(content):
        assert isinstance(record, Document | Failure)
