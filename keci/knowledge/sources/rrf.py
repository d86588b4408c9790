"""Files in UMLS's rich release format: one row a line, every field closed by a bar."""

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from keci.errors import DataError, UsageError

COLUMNS: Mapping[str, str] = {
    "MRCONSO.RRF": (
        "CUI,LAT,TS,LUI,STT,SUI,ISPREF,AUI,SAUI,SCUI,SDUI,SAB,TTY,CODE,STR,SRL,SUPPRESS,CVF"
    ),
    "MRSTY.RRF": "CUI,TUI,STN,STY,ATUI,CVF",
    "MRDEF.RRF": "CUI,AUI,ATUI,SATUI,SAB,DEF,SUPPRESS,CVF",
    "MRREL.RRF": ("CUI1,AUI1,STYPE1,REL,CUI2,AUI2,STYPE2,RELA,RUI,SRUI,SAB,SL,RG,DIR,SUPPRESS,CVF"),
    "MRRANK.RRF": "RANK,SAB,TTY,SUPPRESS",
    "MRSAB.RRF": (
        "VCUI,RCUI,VSAB,RSAB,SON,SF,SVER,VSTART,VEND,IMETA,RMETA,SLC,SCC,SRL,TFR,CFR,CXTY,TTYL,"
        "ATNL,LAT,CENC,CURVER,SABIN,SSN,SCIT"
    ),
    "MRFILES.RRF": "FIL,DES,FMT,CLS,RWS,BTS",
    "SRDEF": "RT,UI,STY/RL,STN/RTN,DEF,EX,UN,NH,ABR,RIN",
    "SRSTRE1": "UI,UI,UI",
}
"""The columns of each file where no MRFILES.RRF says otherwise."""

_UNREADABLE = (OSError, EOFError, zlib.error)


class RrfFolder:
    """A folder of files, plain, gzipped or gzipped in parts (``MRCONSO.RRF.aa.gz`` ...)."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UsageError(f"there is no folder {folder}")
        self.folder = folder
        self._columns = dict(COLUMNS)
        if self.has("MRFILES.RRF"):
            self._columns |= {row[0]: row[1] for row in self.rows("MRFILES.RRF", ("FIL", "FMT"))}

    def has(self, file: str) -> bool:
        """Whether the folder has ``file`` in any form."""
        return bool(self._paths(file))

    def rows(self, file: str, columns: Sequence[str]) -> Iterator[list[str]]:
        """The fields of ``columns`` of every row.

        Raises UsageError where the file is missing, DataError naming the line where it is cut or a
        row has another number of fields than the release says.
        """
        paths = self._paths(file)
        if not paths:
            raise UsageError(f"{self.folder} has no {file}, neither plain nor as {file}.gz")
        names = self._columns[file].split(",")
        missing = [name for name in columns if name not in names]
        if missing:
            raise DataError(f"{self.folder / file}: MRFILES.RRF lists no column {missing[0]}")
        indices = [names.index(name) for name in columns]
        yield from _split(chain.from_iterable(map(_lines, paths)), paths[0], len(names), indices)

    def triples(self, file: str) -> Iterator[list[str]]:
        """The rows of SRSTRE1, whose three columns share one name: type, relation, type."""
        paths = self._paths(file)
        if not paths:
            raise UsageError(f"{self.folder} has no {file}, neither plain nor as {file}.gz")
        yield from _split(_lines(paths[0]), paths[0], 3, range(3))

    def _paths(self, file: str) -> list[Path]:
        for path in (self.folder / file, self.folder / f"{file}.gz"):
            if path.is_file():
                return [path]
        return sorted(self.folder.glob(f"{file}.a?.gz"))


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with _open(path) as stream:
            yield from stream
    except _UNREADABLE as error:
        raise DataError(f"{path} is cut off or damaged: {error}") from error


def _open(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]  # a reader like any other
    return path.open("rb")


def _split(
    lines: Iterator[bytes], path: Path, column_count: int, indices: Sequence[int]
) -> Iterator[list[str]]:
    for number, line in enumerate(lines, start=1):
        try:
            fields = line.decode().rstrip("\r\n").split("|")
        except UnicodeDecodeError as error:
            raise DataError(f"{path}:{number}: not UTF-8: {error}") from error
        if len(fields) != column_count + 1 or fields[-1]:
            raise DataError(
                f"{path}:{number}: expected {column_count} fields, each closed by '|', "
                f"found {len(fields) - 1}: {line[:80]!r}"
            )
        yield [fields[index] for index in indices]
