"""A knowledge base from a table of the user's own: a compound list, a laboratory's strains."""

import csv
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from keci.errors import DataError, UsageError
from keci.knowledge.base.compile import BuildClock, compile_sources
from keci.knowledge.base.folder import Manifest
from keci.knowledge.base.records import ConceptRecord, SourceData, SourceRecord
from keci.knowledge.base.store import open_knowledge_base
from keci.knowledge.base.tables import is_acronym
from keci.knowledge.base.union import merge_knowledge_bases
from keci.knowledge.base.vocabulary import TYPE_NAMES

_REQUIRED = ("id", "name")
_COLUMNS = (*_REQUIRED, "synonyms", "type", "definition", "xrefs")
_SEPARATOR = "|"
_CODES = {name.casefold(): code for code, name in TYPE_NAMES.items()}


def build_table(
    path: Path,
    folder: Path,
    *,
    default_type: str | None,
    others: Sequence[Path],
    report: Callable[[str], None],
) -> Manifest:
    """Compile a table into ``folder``, joined with the knowledge bases ``others`` if there are any.

    Its concepts merge with theirs where its ids or xrefs are ids of theirs. Raises DataError naming
    the line that is not what the columns promise.
    """
    clock = BuildClock()
    report(f"reading {path.name}")
    source = _read(path, default_type)
    if not others:
        return compile_sources([source], folder, name=path.stem, clock=clock, report=report)
    bases = [open_knowledge_base(other) for other in others]
    with tempfile.TemporaryDirectory() as scratch:
        own = Path(scratch) / "table"
        compile_sources([source], own, name=path.stem, clock=clock, report=report)
        bases.insert(0, open_knowledge_base(own))
        name = "+".join(base.name for base in bases)
        return merge_knowledge_bases(bases, folder, name=name, report=report)


def _read(path: Path, default_type: str | None) -> SourceData:
    code = _type_code(default_type, "--type") if default_type else ""
    concepts: dict[str, ConceptRecord] = {}
    for line, row in _rows(path):
        where = f"{path}:{line}"
        concept = _concept(row, code, where)
        if concept.id in concepts:
            raise DataError(f"{where}: the id {concept.id!r} is used twice")
        concepts[concept.id] = concept
    if not concepts:
        raise DataError(f"{path} has no row below its header")
    return SourceData(
        source=SourceRecord(path.stem, path.name, "unknown", "the user's own", path.name),
        concepts=tuple(concepts.values()),
    )


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The rows by column, each with its line; the header decides between comma, semicolon, tab."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            header = lines.readline()
            delimiter = max(",;\t", key=header.count)
            columns = [
                name.strip().casefold()
                for name in next(csv.reader([header], delimiter=delimiter), [])
            ]
            _check_columns(path, columns)
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            for cells in reader:
                line = reader.line_num + 1
                if len(cells) > len(columns):
                    raise DataError(
                        f"{path}:{line}: {len(cells)} cells under {len(columns)} columns"
                    )
                if any(cell.strip() for cell in cells):
                    yield line, dict(zip(columns, map(str.strip, cells), strict=False))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a table in UTF-8: {error}") from error


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    missing = [name for name in _REQUIRED if name not in columns]
    unknown = [name for name in columns if name not in _COLUMNS]
    if missing or unknown:
        raise DataError(
            f"{path}: expected the columns {', '.join(_COLUMNS)}, of which id and name must be "
            f"there, got {', '.join(columns)}"
        )


def _concept(row: Mapping[str, str], default_type: str, where: str) -> ConceptRecord:
    for name in _REQUIRED:
        if not row.get(name):
            raise DataError(f"{where}: the cell {name!r} is empty")
    given = _parts(row.get("type", ""))
    types = tuple(dict.fromkeys(_type_code(name, where) for name in given)) or (default_type,)
    if not all(types):
        raise UsageError(f"{where}: no semantic type: fill the column 'type' or give --type")
    names = [name for name in _parts(row.get("synonyms", "")) if name != row["name"]]
    return ConceptRecord(
        id=row["id"],
        name=row["name"],
        types=types,
        symbols=tuple(name for name in names if is_acronym(name)),
        synonyms=tuple(name for name in names if not is_acronym(name)),
        definition=row.get("definition", ""),
        xrefs=_parts(row.get("xrefs", "")),
        name_is_symbol=is_acronym(row["name"]),
    )


def _parts(cell: str) -> tuple[str, ...]:
    """The parts of a cell; a semicolon parts them where there is no bar."""
    separator = _SEPARATOR if _SEPARATOR in cell else ";"
    return tuple(dict.fromkeys(part.strip() for part in cell.split(separator) if part.strip()))


def _type_code(name: str, where: str) -> str:
    code = name if name in TYPE_NAMES else _CODES.get(name.casefold())
    if code is None:
        raise UsageError(
            f"{where}: unknown semantic type {name!r}; known are codes and names like T047 or "
            "Disease or Syndrome"
        )
    return code
