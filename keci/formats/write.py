"""The formats that extractions are written in, by name or by the ending of a file's name.

| format | ending | holds |
|---|---|---|
| jsonl | .jsonl | everything |
| parquet | .parquet | everything |
| bioc | .bioc.json | everything but the concepts that weigh less than a mention's first |
| pubtator | .pubtator | mentions, first concepts, relations that are present; no scores |
| brat | .brat.zip | mentions, scores, first concepts, relations, assertions |

Formats of text may be compressed: ``jsonl.gz``, ``jsonl.zst`` and so on.
"""

import gzip
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO, cast

from keci.documents import Extraction
from keci.errors import UsageError
from keci.formats import bioc, brat, jsonl, parquet, pubtator

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GZIP_LEVEL = 6
ZSTD_LEVEL = 9
COMPRESSIONS = ("gz", "zst")

Write = Callable[[Iterable[Extraction], BinaryIO], None]
Read = Callable[[BinaryIO], Iterator[Extraction]]


@dataclass(frozen=True, slots=True)
class _Kind:
    ending: str
    write: Write
    read: Read
    is_text: bool = True


_KINDS = {
    "jsonl": _Kind(".jsonl", jsonl.write, jsonl.read),
    "parquet": _Kind(".parquet", parquet.write, parquet.read, is_text=False),
    "bioc": _Kind(".bioc.json", bioc.write, bioc.read),
    "pubtator": _Kind(".pubtator", pubtator.write, pubtator.read),
    "brat": _Kind(".brat.zip", brat.write, brat.read, is_text=False),
}
KIND_NAMES = tuple(_KINDS)
FORMAT_NAMES = tuple(
    f"{name}{compression}"
    for name, kind in _KINDS.items()
    for compression in ("", *(f".{ending}" for ending in COMPRESSIONS if kind.is_text))
)


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file and how it is compressed, if at all."""

    kind: str
    compression: str = ""

    @property
    def name(self) -> str:
        return f"{self.kind}.{self.compression}" if self.compression else self.kind

    @property
    def suffix(self) -> str:
        ending = _KINDS[self.kind].ending
        return f"{ending}.{self.compression}" if self.compression else ending

    def write(self, extractions: Iterable[Extraction], file: BinaryIO) -> None:
        """Write a whole file; equal extractions give equal bytes."""
        if not self.compression:
            _KINDS[self.kind].write(extractions, file)
            return
        with closing(_compressed(file, self.compression)) as content:
            _KINDS[self.kind].write(extractions, content)

    def read(self, file: BinaryIO) -> Iterator[Extraction]:
        """What a file says; raises DataError where it is damaged or another's."""
        return _KINDS[self.kind].read(_decompressed(file, self.compression))


def format_of(file_name: str, name: str | None) -> Format:
    """The format called ``name``, or the one that the file's name ends in, or jsonl.

    Raises UsageError for an unknown name.
    """
    if name is not None:
        if name not in FORMAT_NAMES:
            raise UsageError(f"unknown format {name!r}; known are {', '.join(FORMAT_NAMES)}")
        kind, _, compression = name.partition(".")
        return Format(kind, compression)
    stem, _, last = file_name.rpartition(".")
    compression = last if last in COMPRESSIONS else ""
    stem = stem if compression else file_name
    kinds = (kind for kind in _KINDS if stem.endswith(_KINDS[kind].ending))
    return Format(next(kinds, "jsonl"), compression)


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
