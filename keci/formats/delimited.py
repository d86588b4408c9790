"""Documents out of csv and tsv: a header, then a record in each row.

The header names the columns of the text (several, as ``title,abstract``, are joined by blank lines)
and of the id, whatever the case. A row may have line breaks inside quotes. csv has commas,
semicolons or bars, as its header does.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence

from keci.documents import Document, Failure
from keci.errors import DataError
from keci.formats.jsonl import read_lines, text_of
from keci.formats.stream import ContentStream, ReadOptions, excerpt, kept

DELIMITERS = (",", ";", "\t", "|")
_WHOLE_NUMBER = re.compile(r"(\d+)\.0")
_ESCAPED = re.compile("[\udc80-\udcff]")


def header_delimiter(line: bytes, text_fields: Sequence[str]) -> str | None:
    """What parts a header that names a text and something else; None where it is no header."""
    text = line.decode("utf-8", "replace").strip().lower()
    for delimiter in DELIMITERS:
        names = [name.strip().strip('"') for name in text.split(delimiter)]
        if len(names) > 1 and any(name.lower() in names for name in text_fields):
            return delimiter
    return None


def read_csv(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    """The rows in order; one that breaks the format becomes a Failure."""
    head = stream.content_head.lstrip().partition(b"\n")[0]
    delimiter = header_delimiter(head, options.text_fields)
    return _read_rows(stream, source, options, delimiter or ",")


def read_tsv(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    """The rows of columns parted by tabs; one that breaks the format becomes a Failure."""
    return _read_rows(stream, source, options, "\t")


def _read_rows(
    stream: ContentStream, source: str, options: ReadOptions, delimiter: str
) -> Iterator[Document | Failure]:
    csv.field_size_limit(options.max_record_bytes)
    position = 0
    try:
        rows = _rows(stream, options.max_record_bytes, delimiter)
        header = next(rows, [])
        if not header:
            return
        if isinstance(header, DataError):
            raise header
        if _ESCAPED.search("".join(header)):
            raise DataError("the header is not valid UTF-8")
        names = _names(header, options)
        for row in rows:
            position += 1
            yield _read_row(row, names, source, position, options)
    except DataError as error:
        yield Failure(source, position + 1, "", str(error))


def _rows(stream: ContentStream, limit: int, delimiter: str) -> Iterator[list[str] | DataError]:
    """The rows that are not blank, or what is wrong with them."""
    lines = (f"{line.decode('utf-8', 'surrogateescape')}\n" for line in read_lines(stream, limit))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            yield DataError(f"line {reader.line_num}: not a row of a table: {error}")
            continue
        if row is None:
            return
        if any(cell.strip() for cell in row):
            yield row


def _names(header: Sequence[str], options: ReadOptions) -> list[str]:
    """The columns, called as the options call them where only the case differs."""
    wanted = {name.lower(): name for name in (*options.text_fields, options.id_field)}
    names = [name if name in wanted.values() else wanted.get(name.lower(), name)
             for name in map(str.strip, header)]  # fmt: skip
    if not set(options.text_fields).intersection(names):
        raise DataError(
            f"no column is called {options.text_field!r}; there are {', '.join(names[:20])} "
            "(--text-field names the column with the text)"
        )
    return names


def _read_row(
    row: list[str] | DataError,
    names: Sequence[str],
    source: str,
    position: int,
    options: ReadOptions,
) -> Document | Failure:
    if isinstance(row, DataError):
        return Failure(source, position, "", str(row))
    record = dict(zip(names, row, strict=False))
    document_id = record.get(options.id_field, "").strip() or f"{source}:{position}"
    whole = _WHOLE_NUMBER.fullmatch(document_id)
    document_id = whole.group(1) if whole else document_id
    try:
        if len(row) != len(names):
            raise DataError(f"the row has {len(row)} columns, the header {len(names)}")
        if _ESCAPED.search("".join(row)):
            raise DataError("not valid UTF-8")
        return Document(document_id, text_of(record, options))
    except DataError as error:
        content = _written(names, row)
        name = document_id.encode("utf-8", "replace").decode()
        return Failure(source, position, name, str(error), excerpt(content), kept(content))


def _written(names: Sequence[str], row: Sequence[str]) -> bytes:
    """A row with its header, to be read again."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([names, row])
    return file.getvalue().encode("utf-8", "surrogateescape")
