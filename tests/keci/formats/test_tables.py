"""csv, tsv and Parquet as inputs."""

import csv
import io
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.documents import Document, Failure
from keci.formats.read import read_documents, read_stream
from keci.formats.stream import ContentStream, ReadOptions

CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('\n",;\t'))
IDS = st.text("ab1-", min_size=1, max_size=5)


def read(content: bytes, form: str = "csv", **fields: Any) -> list[Any]:
    stream = ContentStream(io.BufferedReader(io.BytesIO(content)))
    return list(read_stream(stream, "in", form, ReadOptions(**fields)))


def table(rows: list[list[str]], delimiter: str = ",") -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter).writerows(rows)
    return file.getvalue().encode()


@pytest.mark.parametrize(("form", "delimiter"), [("csv", ","), ("csv", ";"), ("tsv", "\t")])
@given(rows=st.lists(st.tuples(IDS, CELLS), max_size=5))
def test_rows_are_records(form: str, delimiter: str, rows: list[tuple[str, str]]) -> None:
    content = table([["id", "text"], *map(list, rows)], delimiter)
    assert read(content, form) == [Document(name, text) for name, text in rows]


@pytest.mark.parametrize(
    ("content", "fields", "expected"),
    [
        (b"\xef\xbb\xbfID,Text\n1.0,a\n", {}, [Document("1", "a")]),
        (b"text\nalone\n", {}, [Document("in:1", "alone")]),
        (b"pmid,title,abstract\n5,T,A\n6,T,\n", {"text_field": "title,abstract",
         "id_field": "pmid"}, [Document("5", "T\n\nA"), Document("6", "T")]),
        (b"id,text\n\n1,a\n,\n", {}, [Document("1", "a")]),
        (b"", {}, []),
        (b"sep=;\nid;text\n1;a,b\n", {}, [Document("1", "a,b")]),
        (b"id,text,Journal,Year,DOI\n1,a,J,1999,10.1/x\n2,b,,,\n", {}, [
            Document("1", "a", {"journal": "J", "year": 1999, "doi": "10.1/x"}),
            Document("2", "b"),
        ]),
    ],
)  # fmt: skip
def test_headers_name_the_columns(
    content: bytes, fields: dict[str, str], expected: list[Document]
) -> None:
    assert read(content, **fields) == expected


@pytest.mark.parametrize(
    ("row", "problem"),
    [(b"1", "has 1 columns"), (b"1,a,b", "has 3 columns"), (b"1,\xff", "UTF-8"),
     (b'1,"a"b', "not a row")],
)  # fmt: skip
def test_a_broken_row_fails_alone(row: bytes, problem: str) -> None:
    failure, document = read(b"id,text\n" + row + b"\n2,good\n")
    assert problem in failure.reason
    assert document == Document("2", "good")


def test_a_quote_that_nothing_closes_costs_its_line_alone() -> None:
    contents = read(b'id,text\n1,"open\n2,good\n3,"two\nlines"\n4,"open again\n5,x')
    problems = [item.reason for item in contents if isinstance(item, Failure)]
    assert [line for line in (2, 6) if any(f"line {line}:" in item for item in problems)] == [2, 6]
    assert len(contents) == 5
    assert [item for item in contents if isinstance(item, Document)] == [
        Document("2", "good"), Document("3", "two\nlines"), Document("5", "x")
    ]  # fmt: skip


def test_many_open_quotes_cost_no_more_than_their_lines() -> None:
    content = b"id,text\n" + b'1,"open\n' * 20_000
    assert len(read(content)) == 20_000


def test_a_quote_in_tsv_is_a_character_where_it_is_none_of_a_cell() -> None:
    content = b'id\ttext\n1\t"Rash" was seen\n2\t"open\n3\t"two\nlines"\n4\ta "b"\n'
    assert read(content, "tsv") == [
        Document("1", '"Rash" was seen'), Document("2", '"open'),
        Document("3", "two\nlines"), Document("4", 'a "b"'),
    ]  # fmt: skip


def test_a_table_without_the_column_says_which_there_are() -> None:
    (failure,) = read(b"a,b\n1,2\n3,4\n")
    assert "there are a, b" in failure.reason


@pytest.mark.parametrize(("header", "name"), [("id,text,text", "text"), ("id,ID,text", "id")])
def test_a_column_that_is_there_twice_is_told(header: str, name: str) -> None:
    (failure,) = read(f"{header}\na,A rash.,B rash.\n".encode())
    assert f"2 columns are called '{name}'" in failure.reason


def test_parquet_is_read(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {"id": [1.0, 2.0, None], "title": ["A", None, "C"], "text": ["a", "b", None]}
    path = tmp_path / "in.parquet"
    parquet.write_table(arrow.table(columns), path)
    assert list(read_documents([str(path)])) == [
        Document("1", "a"), Document("2", "b"), Document(f"{path}:3", "")
    ]  # fmt: skip
    assert [item.text for item in read_documents([str(path)], text_field="title,text")
            if isinstance(item, Document)] == ["A\n\na", "b", "C"]  # fmt: skip
    (failure,) = read_documents([str(path)], text_field="words")
    assert isinstance(failure, Failure)
    assert "there are id, title, text" in failure.reason
    parquet.write_table(arrow.table({"text": ["a"], "title": ["T"], "year": [1999]}), path)
    (document,) = read_documents([str(path)])
    assert document == Document(f"{path}:1", "a", {"title": "T", "year": 1999})
    path.write_bytes(path.read_bytes()[:-20])
    (failure,) = read_documents([str(path)])
    assert isinstance(failure, Failure)


def test_a_table_of_many_row_groups_is_described_once(tmp_path: Path) -> None:
    """Its footer, which lists every column of every group, was read anew for each group."""
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = 2000
    others = {f"other{number}": [0] * rows for number in range(20)}
    table = arrow.table({"text": ["rash"] * rows, **others})
    parquet.write_table(table, tmp_path / "in.parquet", row_group_size=1)
    before = time.process_time()
    assert len(list(read_documents([str(tmp_path / "in.parquet")]))) == rows
    assert time.process_time() - before < 10, "it took minutes"
