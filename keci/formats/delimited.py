"""Documents out of csv and tsv: a header, then a record in each row.

The header names the columns of the text (several, as ``title,abstract``, are joined by blank lines)
and of the id, whatever the case. A row may have line breaks inside quotes. csv has commas,
semicolons or bars, as its header does, or what a first line ``sep=;`` says. A quote that nothing
closes costs its own line alone; in tsv it is a character as others are.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from keci.documents import Document, Failure
from keci.errors import DataError
from keci.formats.jsonl import read_lines, text_of, unread_ids, without_text
from keci.formats.metadata import NAMES, citation
from keci.formats.stream import ContentStream, ReadOptions, excerpt, kept

DELIMITERS = (",", ";", "\t", "|")
_WHOLE_NUMBER = re.compile(r"(\d+)\.0")
_ESCAPED = re.compile("[\udc80-\udcff]")
_USUAL_NAMES = frozenset(["abstract", "doi", "id", "journal", "pmid", "sentence", "title", "year"])
_SEPARATOR_LINE = re.compile(r"\ufeff?sep=(.)\s*", re.IGNORECASE)
_MOST_RETURNS = 100
"""So many times lines behind a quote that nothing closes are read again in an input."""


def header_delimiter(line: bytes, text_fields: Sequence[str]) -> str | None:
    """What parts a header that names a text and something else, or two fields of citations.

    None where a line is no header.
    """
    text = line.decode("utf-8", "replace").strip().lower()
    for delimiter in DELIMITERS:
        names = [name.strip().strip('"') for name in text.split(delimiter)]
        has_text = any(name.lower() in names for name in text_fields)
        if len(names) > 1 and (has_text or len(_USUAL_NAMES.intersection(names)) > 1):
            return delimiter
    return None


def read_csv(
    stream: ContentStream, source: str, options: ReadOptions
) -> Iterator[Document | Failure]:
    """The rows in order; one that breaks the format becomes a Failure."""
    head = stream.content_head.lstrip().partition(b"\n")[0]
    likely = max(DELIMITERS, key=lambda sign: head.count(sign.encode()))
    delimiter = header_delimiter(head, options.text_fields) or likely
    return _read_rows(stream, source, options, delimiter)


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
        rows = _Rows(stream, options.max_record_bytes, delimiter)
        header = next(rows, None)
        if header is None:
            return
        if isinstance(header, DataError):
            raise header
        if _ESCAPED.search("".join(header)):
            raise DataError("the header is not valid UTF-8")
        names = _names(header, options)
        rows.columns = len(names)
        unread = unread_ids(names, options)
        for row in rows:
            position += 1
            if unread:
                stream.left_out[unread] += 1
            yield _read_row(row, names, source, position, options)
    except DataError as error:
        yield Failure(source, position + 1, "", str(error))


class _Rows:
    """The rows that are not blank, or what is wrong with them; ``columns`` are what they should be.

    Lines that a quote has run into which nothing closes, or that make no row of so many columns,
    are read again without it.
    """

    def __init__(self, stream: ContentStream, limit: int, delimiter: str) -> None:
        self.columns = 0
        self._lines = (
            f"{line.decode('utf-8', 'surrogateescape')}\n" for line in read_lines(stream, limit)
        )
        self._delimiter = delimiter
        self._waiting: deque[str] = deque()
        self._number = 0
        self._returns = 0

    def __iter__(self) -> Iterator[list[str] | DataError]:
        return self

    def __next__(self) -> list[str] | DataError:
        while True:
            first = self._line()
            hint = _SEPARATOR_LINE.fullmatch(first) if not self.columns else None
            if hint:
                self._delimiter = hint[1]
            elif first.strip():
                row = self._row(first)
                if isinstance(row, DataError) or any(cell.strip() for cell in row):
                    return row

    def _line(self) -> str:
        self._number += 1
        return self._waiting.popleft() if self._waiting else next(self._lines)

    def _row(self, first: str) -> list[str] | DataError:
        """The row that begins in a line, which may go on in the lines behind it."""
        number, taken = self._number, [first]
        try:
            row = next(csv.reader(self._from(taken), delimiter=self._delimiter, strict=True), [])
            if len(taken) == 1 or len(row) == self.columns or not self.columns:
                return row
            problem = f"{len(taken)} lines make {len(row)} columns, the header has {self.columns}"
        except csv.Error as error:
            problem = str(error)
        self._number = number
        self._returns += len(taken) > 1
        self._waiting.extendleft(reversed(taken[1:]))
        if self._delimiter == "\t":
            return first.rstrip("\r\n").split("\t")
        return DataError(f"line {number}: not a row of a table: {problem}")

    def _from(self, taken: list[str]) -> Iterator[str]:
        """The line that is taken, then those that a quote runs into."""
        yield taken[0]
        while self._returns < _MOST_RETURNS:
            try:
                taken.append(self._line())
            except StopIteration:
                return
            yield taken[-1]


def _names(header: Sequence[str], options: ReadOptions) -> list[str]:
    """The columns, called as the options call them where only the case differs."""
    wanted = {name.lower(): name for name in (*options.text_fields, options.id_field)}
    names = [name if name in wanted.values() else wanted.get(name.lower(), name)
             for name in map(str.strip, header)]  # fmt: skip
    if not set(options.text_fields).intersection(names):
        raise without_text(f"no column is called {options.text_field!r}", names, "column")
    for name in (*options.text_fields, options.id_field):
        if names.count(name) > 1:
            raise DataError(f"{names.count(name)} columns are called {name!r}; rename all but one")
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
        return Document(document_id, text_of(record, options), _metadata(record, options))
    except DataError as error:
        content = _written(names, row)
        name = document_id.encode("utf-8", "replace").decode()
        return Failure(source, position, name, str(error), excerpt(content), kept(content))


def _metadata(record: Mapping[str, str], options: ReadOptions) -> Mapping[str, Any] | None:
    """Title, journal, year and DOI, where columns are called so and are no text or id."""
    if not options.metadata:
        return None
    used = {*options.text_fields, options.id_field}
    told = {name.lower(): cell.strip() for name, cell in record.items() if name not in used}
    return citation(**{name: told.get(name, "") for name in NAMES})


def _written(names: Sequence[str], row: Sequence[str]) -> bytes:
    """A row with its header, to be read again."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([names, row])
    return file.getvalue().encode("utf-8", "surrogateescape")
