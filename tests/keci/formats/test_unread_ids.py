"""A field that looks as if it had the identifiers, and is not the one that is read."""

import io
from collections.abc import Callable

import pyarrow
import pyarrow.parquet
import pytest

from keci.documents import Document
from keci.formats.read import read_stream
from keci.formats.stream import ContentStream, ReadOptions


def parquet(name: str) -> bytes:
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({name: ["4", "5"], "text": ["A", "B"]}), file)
    return file.getvalue()


def rows(name: str) -> bytes:
    return f"{name},text\n4,A\n5,B\n".encode()


def lines(name: str) -> bytes:
    return f'{{"{name}": "4", "text": "A"}}\n{{"{name}": "5", "text": "B"}}\n'.encode()


@pytest.mark.parametrize(("form", "write"), [("jsonl", lines), ("csv", rows), ("parquet", parquet)])
@pytest.mark.parametrize("name", ["PMID", "doc_id", "paperId"])
def test_it_is_counted_with_the_way_to_read_it(
    form: str, write: Callable[[str], bytes], name: str
) -> None:
    content = write(name)
    stream = ContentStream(io.BytesIO(content))
    records = list(read_stream(stream, "in", form, ReadOptions()))
    assert records == [Document("in:1", "A"), Document("in:2", "B")]
    assert dict(stream.left_out) == {f"identifiers in {name} (--id-field {name} reads them)": 2}
    stream = ContentStream(io.BytesIO(content))
    records = list(read_stream(stream, "in", form, ReadOptions(id_field=name)))
    assert records == [Document("4", "A"), Document("5", "B")]
    assert not stream.left_out


@pytest.mark.parametrize(("form", "write"), [("jsonl", lines), ("csv", rows), ("parquet", parquet)])
@pytest.mark.parametrize("name", ["id", "number", "width"])
def test_other_fields_are_passed_over_without_a_word(
    form: str, write: Callable[[str], bytes], name: str
) -> None:
    stream = ContentStream(io.BytesIO(write(name)))
    assert len(list(read_stream(stream, "in", form, ReadOptions()))) == 2
    assert not stream.left_out
