"""Extractions as tables for people: one row a relation, or one row a mention.

| format | needs |
|---|---|
| csv, tsv | nothing |
| xlsx | xlsxwriter (the extra ``tables``) |
| parquet | pyarrow (the extra ``parquet``) |

A cell that a spreadsheet would take for a formula begins with an apostrophe. A table does not hold
all that a record does, and is not read back.
"""

import csv
import datetime
import importlib
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO, NoReturn

from keci.documents import Extraction, Mention
from keci.errors import DataError, UsageError
from keci.formats.metadata import year_of
from keci.text.sentences import split_sentences

RELATIONS, MENTIONS = "relations", "mentions"
ROWS = (RELATIONS, MENTIONS)
_DOCUMENT = ("document", "title", "journal", "year", "sentence")
_CONCEPT = ("concept", "concept_name", "concept_weight", "concept_xrefs")
COLUMNS = {
    RELATIONS: (
        *_DOCUMENT, "relation", "relation_score", "assertion",
        *(f"{end}_{name}" for end in ("head", "tail")
          for name in ("name", "type", "start", "end", "score", "assertion", *_CONCEPT)),
    ),
    MENTIONS: (
        *_DOCUMENT, "name", "type", "start", "end", "score", "assertion", *_CONCEPT,
    ),
}  # fmt: skip
ROWS_AT_ONCE = 10_000
MOST_ROWS_OF_A_SHEET = 1 << 20
MOST_CHARACTERS_OF_A_CELL = 32_767
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EPOCH = datetime.datetime(2000, 1, 1)
"""When a workbook was made, as far as it says: equal extractions give equal bytes."""

Row = dict[str, Any]


def rows_of(extraction: Extraction, rows: str) -> Iterator[Row]:
    """The rows of a document: its relations, or its mentions.

    >>> list(rows_of(Extraction("d", "a rash", (Mention("T1", 2, 6, "rash", "e"),)), MENTIONS))[0][
    ...     "name"
    ... ]
    'rash'
    """
    sentences = split_sentences(extraction.text)
    document = _document(extraction)
    if rows == MENTIONS:
        for mention in extraction.mentions:
            said = _sentence(extraction.text, sentences, (mention.start, mention.end))
            yield {**document, "sentence": said, **_mention(mention)}
        return
    mentions = {mention.id: mention for mention in extraction.mentions}
    for relation in extraction.relations:
        head, tail = mentions[relation.head], mentions[relation.tail]
        offsets = (head.start, head.end, tail.start, tail.end)
        yield {
            **document,
            "sentence": _sentence(extraction.text, sentences, offsets),
            "relation": relation.type,
            "relation_score": relation.score,
            "assertion": relation.assertion,
            **{f"head_{name}": value for name, value in _mention(head).items()},
            **{f"tail_{name}": value for name, value in _mention(tail).items()},
        }


def write_csv(extractions: Iterable[Extraction], file: BinaryIO, rows: str) -> None:
    """Comma-separated values; UTF-8 with the mark by which spreadsheets know it."""
    _write_separated(extractions, file, rows, separator=",")


def write_tsv(extractions: Iterable[Extraction], file: BinaryIO, rows: str) -> None:
    """Values separated by tabs; tabs and line ends in a cell become a space."""
    _write_separated(extractions, file, rows, separator="\t")


def write_xlsx(extractions: Iterable[Extraction], file: BinaryIO, rows: str) -> None:
    """A workbook, with a further sheet wherever one is full; raises UsageError without its wheel.

    Numbers are numbers, all else is text, never a formula or a link.
    """
    try:
        xlsxwriter = importlib.import_module("xlsxwriter")
    except ImportError as error:
        raise UsageError("xlsx needs xlsxwriter: pip install 'keci[tables]'") from error
    options = {"constant_memory": True, "in_memory": False, "strings_to_formulas": False,
               "strings_to_urls": False, "strings_to_numbers": False}  # fmt: skip
    with xlsxwriter.Workbook(file, options) as book:
        book.set_properties({"created": _EPOCH})
        columns = COLUMNS[rows]
        bold = book.add_format({"bold": True})
        filled, sheet = MOST_ROWS_OF_A_SHEET, None
        for row in _rows(extractions, rows):
            if filled >= MOST_ROWS_OF_A_SHEET:
                sheet, filled = _new_sheet(book, columns, bold), 1
            _write_row(sheet, filled, [row[column] for column in columns])
            filled += 1
        if sheet is None:
            _new_sheet(book, columns, bold)


def write_parquet(extractions: Iterable[Extraction], file: BinaryIO, rows: str) -> None:
    """A flat table, typed; raises UsageError without pyarrow."""
    try:
        arrow = importlib.import_module("pyarrow")
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise UsageError("Parquet needs pyarrow: pip install 'keci[parquet]'") from error
    schema = arrow.schema([(column, _arrow_type(arrow, column)) for column in COLUMNS[rows]])
    remaining = _rows(extractions, rows)
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while block := list(islice(remaining, ROWS_AT_ONCE)):
            writer.write_table(arrow.Table.from_pylist(block, schema=schema))


def refuse_reading(_: BinaryIO) -> NoReturn:
    """Raises DataError: a table lacks what an extraction needs."""
    raise DataError("a table is not read back: keep the extractions as jsonl as well")


def safe_cell(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would take for a formula.

    >>> safe_cell("=1+2")
    "'=1+2"
    """
    return f"'{text}" if text.startswith(_STARTS_FORMULA) else text


def _rows(extractions: Iterable[Extraction], rows: str) -> Iterator[Row]:
    for extraction in extractions:
        yield from rows_of(extraction, rows)


def _document(extraction: Extraction) -> Row:
    metadata = extraction.metadata or {}
    told = {name: metadata.get(name) for name in ("title", "journal", "year")}
    return {
        "document": extraction.id,
        **{name: None if told[name] is None else str(told[name]) for name in ("title", "journal")},
        "year": year_of(str(told["year"])),
    }


def _mention(mention: Mention) -> Row:
    best = mention.concept
    return {
        "name": " ".join(mention.text.split()),
        "type": mention.type,
        "start": mention.start,
        "end": mention.end,
        "score": mention.score,
        "assertion": mention.assertion,
        "concept": best.id if best else None,
        "concept_name": best.name if best else None,
        "concept_weight": best.weight if best else None,
        "concept_xrefs": " ".join(best.xrefs) if best else None,
    }


def _sentence(text: str, sentences: Sequence[tuple[int, int]], offsets: Sequence[int]) -> str:
    """The sentence with all offsets, or those from the first of them to the last."""
    start, end = min(offsets), max(offsets)
    touched = [span for span in sentences if span[0] < end and span[1] > start]
    return " ".join(text[touched[0][0] : touched[-1][1]].split()) if touched else ""


def _write_separated(
    extractions: Iterable[Extraction], file: BinaryIO, rows: str, *, separator: str
) -> None:
    columns = COLUMNS[rows]
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
    writer.writerow(columns)
    for row in _rows(extractions, rows):
        writer.writerow(_plain(row[column], separator) for column in columns)
    text.detach()


def _plain(value: Any, separator: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    text = value.replace("\x00", "\ufffd")
    return safe_cell(" ".join(text.split()) if separator == "\t" else text)


def _new_sheet(book: Any, columns: Sequence[str], bold: Any) -> Any:
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    for index, column in enumerate(columns):
        sheet.write_string(0, index, column, bold)
    return sheet


def _write_row(sheet: Any, line: int, values: Sequence[Any]) -> None:
    for index, value in enumerate(values):
        if isinstance(value, str):
            text = _NOT_IN_XML.sub("\ufffd", value)
            sheet.write_string(line, index, safe_cell(text)[:MOST_CHARACTERS_OF_A_CELL])
        elif value is not None:
            sheet.write_number(line, index, value)


def _arrow_type(arrow: Any, column: str) -> Any:
    if column.endswith(("score", "weight")):
        return arrow.float64()
    return arrow.int64() if column.endswith(("start", "end", "year")) else arrow.string()
