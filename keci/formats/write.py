"""The formats that extractions are written in, by name or by the ending of a file's name.

| format | ending | holds |
|---|---|---|
| jsonl | .jsonl | everything |
| parquet | .parquet | everything |
| bioc | .bioc.json | everything but the concepts that weigh less than a mention's first |
| bioc-xml | .bioc.xml | the same |
| pubtator | .pubtator | mentions, first concepts, relations that are present; no scores |
| brat | .brat.zip | mentions, scores, first concepts, relations, assertions |
| label-studio | .label-studio.json | mentions, scores, first concepts, present relations |
| doccano | .doccano.jsonl | mentions and present relations |
| xmi | .xmi.zip | mentions, ids of first concepts, present relations |
| csv, tsv, xlsx | .csv, .tsv, .xlsx | a row for each relation or mention; not read back |

Formats of text may be compressed: ``jsonl.gz``, ``jsonl.zst`` and so on.
"""

import gzip
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import BinaryIO, cast

from keci.documents import Extraction
from keci.errors import UsageError
from keci.formats import (
    bioc_output,
    brat,
    doccano,
    jsonl,
    label_studio,
    parquet,
    pubtator,
    table,
    xmi,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GZIP_LEVEL = 6
ZSTD_LEVEL = 9
COMPRESSIONS = ("gz", "zst")

Write = Callable[[Iterable[Extraction], BinaryIO], None]
Read = Callable[[BinaryIO], Iterator[Extraction]]
WriteRows = Callable[[Iterable[Extraction], BinaryIO, str], None]


@dataclass(frozen=True, slots=True)
class _Kind:
    ending: str
    write: Write
    read: Read
    is_text: bool = True


_KINDS = {
    "jsonl": _Kind(".jsonl", jsonl.write, jsonl.read),
    "parquet": _Kind(".parquet", parquet.write, parquet.read, is_text=False),
    "bioc": _Kind(".bioc.json", bioc_output.write, bioc_output.read),
    "bioc-xml": _Kind(".bioc.xml", bioc_output.write_xml, bioc_output.read_xml),
    "pubtator": _Kind(".pubtator", pubtator.write, pubtator.read),
    "brat": _Kind(".brat.zip", brat.write, brat.read, is_text=False),
    "label-studio": _Kind(".label-studio.json", label_studio.write, label_studio.read),
    "doccano": _Kind(".doccano.jsonl", doccano.write, doccano.read),
    "xmi": _Kind(".xmi.zip", xmi.write, xmi.read, is_text=False),
}
KIND_NAMES = tuple(_KINDS)
READABLE_ENDINGS = tuple(kind.ending for kind in _KINDS.values())
_TABLES: dict[str, WriteRows] = {
    "csv": table.write_csv,
    "tsv": table.write_tsv,
    "xlsx": table.write_xlsx,
    "parquet": table.write_parquet,
}
_TEXT_TABLES = ("csv", "tsv")
_JSONL_ENDINGS = (".json", ".ndjson")
FORMAT_NAMES = tuple(
    f"{name}{compression}"
    for name, kind in _KINDS.items()
    for compression in ("", *(f".{ending}" for ending in COMPRESSIONS if kind.is_text))
)


TABLE_NAMES = ("csv", "csv.gz", "csv.zst", "tsv", "tsv.gz", "tsv.zst", "xlsx")
"""Formats that hold a row for each relation or mention; parquet does where rows are asked for."""


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file and how it is compressed, if at all.

    ``rows`` is what a table has a row for, relations or mentions; else a file holds whole records.
    """

    kind: str
    compression: str = ""
    rows: str = ""

    @property
    def name(self) -> str:
        return ".".join(filter(None, (self.rows, self.kind, self.compression)))

    @property
    def suffix(self) -> str:
        ending = _KINDS[self.kind].ending if self.kind in _KINDS else f".{self.kind}"
        return f"{ending}.{self.compression}" if self.compression else ending

    @property
    def is_table(self) -> bool:
        """Whether a file holds less than the records, and so is not read back."""
        return bool(self.rows)

    def write(self, extractions: Iterable[Extraction], file: BinaryIO) -> None:
        """Write a whole file; equal extractions give equal bytes."""
        if not self.compression:
            self._write(extractions, file)
            return
        with closing(_compressed(file, self.compression)) as content:
            self._write(extractions, content)

    def _write(self, extractions: Iterable[Extraction], file: BinaryIO) -> None:
        if self.rows:
            _TABLES[self.kind](extractions, file, self.rows)
        else:
            _KINDS[self.kind].write(extractions, file)

    def read(self, file: BinaryIO) -> Iterator[Extraction]:
        """What a file says; raises DataError where it is a table, damaged or another's."""
        if self.rows:
            table.refuse_reading(file)
        return _KINDS[self.kind].read(_decompressed(file, self.compression))


def format_of(file_name: str, name: str | None, rows: str | None = None) -> Format:
    """The format called ``name``, or that of the file's ending; jsonl where it has none.

    ``rows`` asks for a table of relations or mentions. Raises UsageError for an unknown name or
    ending, and where records are asked for as rows.
    """
    found = _named(name) if name is not None else _of_ending(file_name)
    if found.kind in _TABLES and (rows or found.kind not in _KINDS):
        return replace(found, rows=rows or found.rows or table.RELATIONS)
    if rows:
        raise UsageError(f"rows of {rows} need csv, tsv, xlsx or parquet, not {found.name}")
    return found


def _named(name: str) -> Format:
    first, _, rest = name.partition(".")
    rows, plain = (first, rest) if first in table.ROWS else ("", name)
    kind, _, compression = plain.partition(".")
    if plain in (*FORMAT_NAMES, *TABLE_NAMES) and (not rows or kind in _TABLES):
        return Format(kind, compression, rows)
    known = ", ".join((*FORMAT_NAMES, *TABLE_NAMES))
    raise UsageError(f"unknown format {name!r}; known are {known}")


def _of_ending(file_name: str) -> Format:
    base = file_name.replace("\\", "/").rpartition("/")[2]
    stem, _, last = base.rpartition(".")
    compression = last if last in COMPRESSIONS else ""
    stem = stem if compression else base
    fitting = [kind for kind in _KINDS if stem.endswith(_KINDS[kind].ending)]
    kind = max(fitting, key=lambda kind: len(_KINDS[kind].ending), default=None)
    kind = kind or next((kind for kind in _TABLES if stem.endswith(f".{kind}")), None)
    if kind in _TABLES and kind not in _TEXT_TABLES and compression:
        raise UsageError(f"{base}: {kind} is compressed already")
    ending = stem.rpartition(".")[1:] if not stem.startswith(".") else ("", "")
    if kind is None and ending[0] and f".{ending[1]}" not in _JSONL_ENDINGS:
        known = [*READABLE_ENDINGS, ".csv", ".tsv", ".xlsx"]
        raise UsageError(
            f"no format ends in .{ending[1]}: expected one of {', '.join(known)} (.gz or .zst may "
            "follow), or --output-format"
        )
    return Format(kind or "jsonl", compression)


def _compressed(file: BinaryIO, compression: str) -> BinaryIO:
    if compression == "gz":
        return cast(BinaryIO, gzip.GzipFile("", "wb", GZIP_LEVEL, file, mtime=0))
    content = zstd.ZstdFile(file, "w", level=ZSTD_LEVEL)
    content.write(b"")  # without any write there would be no frame, which reads as truncated
    return cast(BinaryIO, content)


def _decompressed(file: BinaryIO, compression: str) -> BinaryIO:
    if compression == "gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    return cast(BinaryIO, zstd.ZstdFile(file)) if compression else file
