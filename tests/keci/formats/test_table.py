"""Tables for people: what a row says, and that no cell is a formula."""

import csv
import io
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keci.documents import ConceptLink, Extraction, Mention, Relation
from keci.errors import DataError
from keci.formats.table import COLUMNS, ROWS, rows_of, safe_cell
from keci.formats.write import Format
from tests.strategies import extractions

TEXT = "Nothing was known. A rash came\tafter =Abcillin. It went."
AMOXICILLIN = ConceptLink("MESH:D1", "+Abcillin", ("T121",), 0.75, ("CHEBI:2", "UNII:3"))
EXAMPLE = Extraction(
    "-7",
    TEXT,
    (
        Mention("T1", 21, 25, "rash", "Effect", 0.9),
        Mention("T2", 37, 46, "=Abcillin", "Drug", 0.8, (AMOXICILLIN,), 0.25),
    ),
    (Relation("R1", "T1", "T2", "caused-by", 0.5, "negated"),),
    {"title": '@SUM(A1) "x", y', "journal": "J", "year": 1998},
)


def written(name: str, records: list[Extraction], rows: str) -> bytes:
    file = io.BytesIO()
    Format(name, rows=rows).write(records, file)
    return file.getvalue()


def cells(name: str, content: bytes) -> list[dict[str, str]]:
    separator = "," if name == "csv" else "\t"
    text = content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))


def test_a_relation_has_all_of_both_ends() -> None:
    (row,) = rows_of(EXAMPLE, "relations")
    assert tuple(row) == COLUMNS["relations"]
    assert row["sentence"] == "A rash came after =Abcillin."
    assert (row["title"], row["journal"], row["year"]) == ('@SUM(A1) "x", y', "J", 1998)
    assert (row["relation"], row["relation_score"], row["assertion"]) == (
        "caused-by",
        0.5,
        "negated",
    )
    assert (row["head_name"], row["tail_name"]) == ("rash", "=Abcillin")
    assert (row["tail_concept"], row["tail_concept_xrefs"]) == ("MESH:D1", "CHEBI:2 UNII:3")
    assert row["head_concept"] is None


def test_a_mention_has_a_row() -> None:
    rows = list(rows_of(EXAMPLE, "mentions"))
    assert [row["name"] for row in rows] == ["rash", "=Abcillin"]
    assert all(tuple(row) == COLUMNS["mentions"] for row in rows)


@pytest.mark.parametrize("name", ["csv", "tsv"])
def test_no_cell_of_text_starts_a_formula(name: str) -> None:
    (row,) = cells(name, written(name, [EXAMPLE], "relations"))
    assert row["document"] == "'-7"
    assert row["title"] == '\'@SUM(A1) "x", y'
    assert row["tail_name"] == "'=Abcillin"
    assert row["tail_concept_name"] == "'+Abcillin"
    assert row["relation_score"] == "0.5"


def test_every_beginning_of_a_formula_is_made_safe() -> None:
    for sign in "=+-@\t\r\n＝＋－＠":
        assert safe_cell(f"{sign}cmd|' /C calc'!A0")[0] == "'"
    assert safe_cell("a=b") == "a=b"
    assert safe_cell("") == ""


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("name", ["csv", "tsv"])
@settings(max_examples=25, deadline=None)
@given(records=st.lists(extractions(), max_size=4))
def test_rows_add_up_and_bytes_are_the_same(
    name: str, rows: str, records: list[Extraction]
) -> None:
    content = written(name, records, rows)
    assert written(name, records, rows) == content
    read = cells(name, content)
    total = sum(len(item.relations if rows == "relations" else item.mentions) for item in records)
    assert len(read) == total
    numbers = {"start", "end", "score", "weight"}
    for row in read:
        for column, cell in row.items():
            if column.rpartition("_")[2] not in numbers:
                assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("rows", ROWS)
@settings(max_examples=15, deadline=None)
@given(records=st.lists(extractions(), max_size=3))
def test_a_workbook_is_read_by_another_library(rows: str, records: list[Extraction]) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("xlsxwriter")
    content = written("xlsx", records, rows)
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    lines = list(sheet.iter_rows())
    assert tuple(cell.value for cell in lines[0]) == COLUMNS[rows]
    total = sum(len(item.relations if rows == "relations" else item.mentions) for item in records)
    assert len(lines) == total + 1
    assert not [cell for line in lines for cell in line if cell.data_type == "f"]


def test_a_workbook_has_no_formula_link_or_time() -> None:
    pytest.importorskip("xlsxwriter")
    linked = replace(EXAMPLE, metadata={"title": "https://example.org/=x", "year": 2000})
    content = written("xlsx", [linked], "relations")
    assert written("xlsx", [linked], "relations") == content
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet
    assert b"hyperlink" not in sheet


def test_parquet_rows_are_flat_and_typed() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(io.BytesIO(written("parquet", [EXAMPLE], "relations")))
    (row,) = table.to_pylist()
    assert row["head_start"] == 21
    assert row["tail_name"] == "=Abcillin"
    assert table.column_names == list(COLUMNS["relations"])


@pytest.mark.parametrize("name", ["csv", "tsv", "xlsx", "parquet"])
def test_nothing_found_is_a_table_with_its_head(name: str) -> None:
    if name in ("xlsx", "parquet"):
        pytest.importorskip({"xlsx": "xlsxwriter", "parquet": "pyarrow"}[name])
    content = written(name, [], "mentions")
    assert content
    if name in ("csv", "tsv"):
        assert cells(name, content) == []


def test_a_table_is_not_read_back() -> None:
    with pytest.raises(DataError, match="not read back"):
        list(Format("csv", rows="mentions").read(io.BytesIO(b"")))


def test_what_is_missing_is_an_empty_cell() -> None:
    bare: Any = replace(EXAMPLE, metadata=None)
    (row,) = cells("csv", written("csv", [bare], "relations"))
    assert (row["title"], row["head_concept"], row["head_concept_weight"]) == ("", "", "")


@pytest.mark.parametrize(
    ("told", "year"), [("1998 Jan-Feb", 1998), (2001, 2001), ("soon", None), (None, None)]
)
def test_a_year_is_a_number(told: object, year: int | None) -> None:
    record = replace(EXAMPLE, metadata={"year": told})
    (row,) = rows_of(record, "relations")
    assert row["year"] == year
    sheet = zipfile.ZipFile(io.BytesIO(written("xlsx", [record], "relations")))
    assert (b"<v>%d</v>" % (year or 0) in sheet.read("xl/worksheets/sheet1.xml")) is bool(year)
