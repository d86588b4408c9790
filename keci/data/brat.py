"""brat's standoff: a folder, or a zip archive, with NAME.txt and NAME.ann for each document.

T lines are mentions, R lines relations of two mentions, N lines identifiers. Events (E), groups (*)
and what is said of a single mention (A, M) are left out.
"""

import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from keci.data.pieces import whole_span
from keci.errors import DataError
from keci.formats.annotated import AnnotatedText, MentionRow, RelationRow, Remark
from keci.formats.brat import id_of_entry

TEXT, ANNOTATION = ".txt", ".ann"
_SPANS = re.compile(r"(\S+) (\d+ \d+(?:;\d+ \d+)*)")
_RELATION = re.compile(r"(\S+) (\S+?):(\S+) (\S+?):(\S+)\s*")
_REFERENCE = re.compile(r"\S+ (\S+) (\S+)")
_LEFT_OUT = {"E": "events are left out", "*": "groups are left out"}


@dataclass(frozen=True, slots=True)
class BratDocument:
    """The two files of a document, and its name."""

    name: str
    text: str
    lines: tuple[str, ...]


def is_brat_folder(path: Path) -> bool:
    """Whether a folder has annotation files of brat in it, at any depth."""
    return path.is_dir() and next(path.rglob(f"*{ANNOTATION}"), None) is not None


def folder_documents(folder: Path) -> list[BratDocument]:
    """The documents that have annotation, by name; raises DataError where one lacks its text."""
    names = sorted(path.relative_to(folder) for path in folder.rglob(f"*{ANNOTATION}"))
    return [
        _document(
            unquote(name.with_suffix("").as_posix()),
            _content(folder / name.with_suffix(TEXT)),
            _content(folder / name),
        )
        for name in names
    ]


def archive_documents(path: Path) -> list[BratDocument]:
    """The documents of a zip archive that KECI wrote; raises DataError for another archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(ANNOTATION)]
            if not names:
                raise DataError(f"{path} is a zip archive without {ANNOTATION} files of brat")
            return [
                _document(
                    id_of_entry(archive.getinfo(name.removesuffix(ANNOTATION) + TEXT)),
                    archive.read(name.removesuffix(ANNOTATION) + TEXT),
                    archive.read(name),
                )
                for name in names
            ]
    except (zipfile.BadZipFile, KeyError) as error:
        raise DataError(f"{path} is not a whole brat archive: {error}") from error


def read_document(document: BratDocument) -> AnnotatedText:
    """What the lines of a document say; raises DataError naming one that says nothing."""
    rows = [line.split("\t") for line in document.lines if line.strip()]
    remarks: list[Remark] = []
    identifiers: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        found = _REFERENCE.match(row[1]) if row[0].startswith("N") and len(row) > 1 else None
        if found:
            identifiers[found[1]].append(found[2])
    mentions = tuple(
        _mention(row, document, tuple(identifiers[row[0]]), remarks)
        for row in rows
        if row[0].startswith("T")
    )
    links = tuple(_relation(row, document) for row in rows if row[0].startswith("R"))
    for row in rows:
        if row[0][0] in _LEFT_OUT:
            shown = f"{' '.join(row)[:60]!r} in {document.name}"
            remarks.append(Remark(_LEFT_OUT[row[0][0]], shown, "relation"))
    return AnnotatedText(document.name, document.text, mentions, (), links, tuple(remarks))


def _mention(
    row: list[str], document: BratDocument, identifiers: Iterable[str], remarks: list[Remark]
) -> MentionRow:
    found = _SPANS.fullmatch(row[1]) if len(row) > 1 else None
    if found is None:
        raise DataError(
            f"{document.name}{ANNOTATION}: expected 'T1', a tab, a type with offsets and the text, "
            f"got {' '.join(row)[:60]!r}"
        )
    pieces = [tuple(map(int, piece.split(" "))) for piece in found[2].split(";")]
    start, end, is_whole = whole_span(pieces)
    surface = row[2] if is_whole and len(row) > 2 else ""
    # Where a mention goes over a line break, brat has a piece on each side of it.
    gaps = (document.text[one[1] : other[0]] for one, other in pairwise(pieces))
    if not is_whole and any(gap.strip() for gap in gaps):
        shown = f"{document.text[start:end]!r} in {document.name}"
        remarks.append(Remark("mentions in pieces are taken from first to last", shown))
    return MentionRow(start, end, surface, found[1], tuple(identifiers), row[0])


def _relation(row: list[str], document: BratDocument) -> RelationRow:
    found = _RELATION.fullmatch(row[1]) if len(row) > 1 else None
    if found is None:
        raise DataError(
            f"{document.name}{ANNOTATION}: expected 'R1', a tab and 'TYPE Arg1:T1 Arg2:T2', "
            f"got {' '.join(row)[:60]!r}"
        )
    return RelationRow(found[1], found[3], found[5])


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing beside its {ANNOTATION} file") from error


def _document(name: str, text: bytes, annotation: bytes) -> BratDocument:
    try:
        lines: Iterator[str] = (line.rstrip("\r") for line in annotation.decode().split("\n"))
        return BratDocument(name, text.decode(), tuple(lines))
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not valid UTF-8: {error.reason}") from error
