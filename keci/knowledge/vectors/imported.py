"""Vectors from a text file: an identifier and its numbers on each line (Maldonado et al. 2019)."""

import gzip
import hashlib
import math
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

import numpy as np

from keci.errors import DataError
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.vectors.folder import NewTable, TableManifest, write_table

KIND = "imported"
_UMLS = "UMLS:"
_LINES_PER_REPORT = 10_000


def import_vectors(
    folder: Path,
    base: KnowledgeBase,
    path: Path,
    *,
    name: str,
    report: Callable[[str, int, int], None],
) -> TableManifest:
    """Write the vectors in ``path`` as a table of ``base``, which lies in ``folder``.

    Identifiers are concept ids, UMLS concept identifiers with or without the prefix "UMLS:",
    cross-references of concepts, or codes of semantic types. The vectors are scaled to a unit root
    mean square. The manifest counts the identifiers that are unknown, and the repeated ones, all of
    whose concepts have a vector from an earlier line. Raises DataError, naming the line, for a line
    that is no vector.
    """
    rows = _Rows(base)
    squares, values = 0.0, 0
    for identifier, numbers in read_vectors(path):
        squares += math.fsum(number * number for number in numbers)
        values += len(numbers)
        rows.add(identifier, numbers)
        if rows.lines % _LINES_PER_REPORT == 0:
            report("reading vectors", rows.lines, 0)
    if not rows.count:
        raise DataError(f"{path}: none of {rows.lines} identifiers is in {base.name!r}")
    scale = math.sqrt(values / squares) if squares else 1.0
    vectors = np.frombuffer(rows.values, dtype=np.float32).reshape(-1, rows.width)
    table = NewTable(vectors * np.float32(scale), rows.concept_rows, rows.type_rows)
    manifest = TableManifest(
        name=name,
        kind=KIND,
        knowledge_base=base.fingerprint,
        space=f"{KIND}:{_sha256(path)}",
        width=rows.width,
        counts=table.counts(),
        made={
            "file": path.name,
            "lines": rows.lines,
            "unknown": rows.unknown,
            "repeated": rows.repeated,
            "scale": scale,
        },
    )
    write_table(folder, table, manifest)
    return manifest


def read_vectors(path: Path) -> Iterator[tuple[str, list[float]]]:
    """The identifiers and numbers of a text file, plain or .gz.

    Numbers are separated by spaces, tabs or commas; a first line of two integers, the counts of
    word2vec's format, is passed over. Raises DataError, naming the line, for any other.
    """
    width = None
    with path.open("rb") as raw:
        for number, line in enumerate(_lines(raw, path), start=1):
            fields = line.replace(",", " ").split()
            if not fields or (number == 1 and len(fields) == 2 and all(map(str.isdigit, fields))):
                continue
            numbers = _numbers(fields[1:], f"{path}:{number}")
            if width is not None and len(numbers) != width:
                raise DataError(
                    f"{path}:{number}: expected {width} numbers as above, found {len(numbers)}"
                )
            width = len(numbers)
            yield fields[0], numbers


class _Rows:
    """Collects the vectors of known identifiers and who owns which row."""

    def __init__(self, base: KnowledgeBase) -> None:
        self._base = base
        self._types = {code: index for index, code in enumerate(base.type_codes)}
        self._xrefs = _concepts_by_xref(base)
        self.concept_rows = np.full(len(base), -1, dtype=np.int32)
        self.type_rows = np.full(len(base.type_codes), -1, dtype=np.int32)
        self.values = array("f")
        self.width = 0
        self.count = self.lines = self.unknown = self.repeated = 0

    def add(self, identifier: str, numbers: list[float]) -> None:
        self.lines += 1
        self.width = len(numbers)
        if identifier in self._types:
            owners, rows = [self._types[identifier]], self.type_rows
        else:
            owners, rows = self._concepts(identifier), self.concept_rows
        free = [owner for owner in owners if rows[owner] < 0]
        if not owners:
            self.unknown += 1
        elif not free:
            self.repeated += 1
        else:
            rows[free] = self.count
            self.count += 1
            self.values.extend(numbers)

    def _concepts(self, identifier: str) -> list[int]:
        names = (identifier, _UMLS + identifier)
        found = [index for index in map(self._base.find, names) if index is not None]
        return found or [index for name in names for index in self._xrefs.get(name, ())]


def _concepts_by_xref(base: KnowledgeBase) -> dict[str, list[int]]:
    splits, xrefs = base.tables.xref_splits, base.tables.xrefs
    owners = np.repeat(np.arange(len(base)), np.diff(splits)).tolist()
    concepts = defaultdict(list)
    for index, owner in enumerate(owners):
        concepts[xrefs[index]].append(owner)
    return dict(concepts)


def _numbers(fields: list[str], where: str) -> list[float]:
    try:
        numbers = list(map(float, fields))
    except ValueError as error:
        raise DataError(f"{where}: expected an identifier and numbers: {error}") from error
    if not numbers:
        raise DataError(f"{where}: expected an identifier and numbers, found no number")
    if not all(map(math.isfinite, numbers)):
        raise DataError(f"{where}: expected finite numbers")
    return numbers


def _lines(raw: BinaryIO, path: Path) -> Iterator[str]:
    compressed = path.suffix == ".gz"
    try:
        yield from TextIOWrapper(gzip.GzipFile(fileobj=raw) if compressed else raw, "utf-8")
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is not text in UTF-8: {error}") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
