"""Vectors of concepts and semantic types as folders beside the knowledge base they belong to.

The vectors of the knowledge base KB lie in the folder KB.vectors, one table per sub-folder:
manifest.json, vectors.npy (rows, width) in float16, concept_rows.npy and type_rows.npy, which give
the row of each concept and semantic type, -1 for none, and projection.npy where there is one.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from keci.errors import DataError, KnowledgeBaseError, UsageError
from keci.fields import Fields
from keci.files import whole_folder
from keci.knowledge.base.ragged import Integers

FORMAT = "keci-concept-vectors"
VERSION = 1
MANIFEST_FILE = "manifest.json"
ARRAYS = ("vectors", "concept_rows", "type_rows")
_PROJECTION = "projection"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TableManifest:
    """What a table holds and how it was made.

    ``space`` identifies the vector space: tables of one space are interchangeable for a model,
    even where they belong to different knowledge bases. ``made`` tells the method and its settings.
    """

    name: str
    kind: str
    knowledge_base: str
    """The fingerprint of the knowledge base that the indices refer to."""
    space: str
    width: int
    counts: Mapping[str, int]
    made: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def to_record(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "version": VERSION,
            "name": self.name,
            "kind": self.kind,
            "knowledge_base": self.knowledge_base,
            "space": self.space,
            "width": self.width,
            "counts": dict(self.counts),
            "made": dict(self.made),
            "files": {name: dict(entry) for name, entry in sorted(self.files.items())},
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "TableManifest":
        """Read a manifest; raises KnowledgeBaseError where it is of another format or damaged."""
        if record.get("format") != FORMAT or record.get("version") != VERSION:
            found = f"{record.get('format')!r} version {record.get('version')!r}"
            raise KnowledgeBaseError(f"expected {FORMAT!r} version {VERSION}, found {found}")
        try:
            return cls._from_fields(Fields(record, "the manifest of the vectors"))
        except DataError as error:
            raise KnowledgeBaseError(f"{error}") from error

    @classmethod
    def _from_fields(cls, given: Fields) -> "TableManifest":
        files, counts = given.inner("files"), given.inner("counts")
        return cls(
            name=given.text("name"),
            kind=given.text("kind"),
            knowledge_base=given.text("knowledge_base"),
            space=given.text("space"),
            width=given.count("width"),
            counts={name: counts.count(name) for name in given.mapping("counts")},
            made=given.mapping("made"),
            files={
                name: {"bytes": file.count("bytes"), "sha256": file.sha256("sha256")}
                for name, file in ((name, files.inner(name)) for name in given.mapping("files"))
            },
        )


@dataclass(frozen=True, slots=True)
class NewTable:
    """Vectors to be written: (rows, width), with the row of each concept and type or -1."""

    vectors: npt.NDArray[np.floating[Any]]
    concept_rows: Integers
    type_rows: Integers
    projection: Vectors | None = None

    def counts(self) -> dict[str, int]:
        """Numbers of rows, and of concepts and types that have one."""
        return {
            "rows": len(self.vectors),
            "concepts": int((self.concept_rows >= 0).sum()),
            "types": int((self.type_rows >= 0).sum()),
        }


def vectors_folder(knowledge_base_folder: Path) -> Path:
    """Where the tables of a knowledge base lie: beside it, so that its own folder never changes."""
    folder = knowledge_base_folder.resolve()
    return folder.with_name(f"{folder.name}.vectors")


def table_folder(knowledge_base_folder: Path, name: str) -> Path:
    """The folder of one table; raises UsageError for a name that is none."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot name vectors: use letters, digits, '.', '_' and '-'")
    return vectors_folder(knowledge_base_folder) / name


def work_folder(knowledge_base_folder: Path, name: str) -> Path:
    """The folder that keeps unfinished work on a table."""
    folder = table_folder(knowledge_base_folder, name)
    return folder.with_name(f".{name}.unfinished")


def table_names(knowledge_base_folder: Path) -> tuple[str, ...]:
    """The names of the finished tables beside a knowledge base, sorted."""
    paths = vectors_folder(knowledge_base_folder).glob(f"*/{MANIFEST_FILE}")
    return tuple(sorted(path.parent.name for path in paths if _NAME.fullmatch(path.parent.name)))


def read_manifest(folder: Path) -> TableManifest:
    """The manifest of a table; raises KnowledgeBaseError where there is none or it is damaged."""
    path = folder / MANIFEST_FILE
    try:
        record = orjson.loads(path.read_bytes())
    except (ValueError, OSError) as error:
        raise KnowledgeBaseError(f"{folder} holds no vectors: {error}") from error
    if not isinstance(record, dict):
        raise KnowledgeBaseError(f"{path}: expected an object, found {type(record).__name__}")
    return TableManifest.from_record(record)


def read_projection(folder: Path) -> Vectors:
    """The projection of a table's vectors; raises KnowledgeBaseError where it has none."""
    if f"{_PROJECTION}.npy" not in read_manifest(folder).files:
        raise KnowledgeBaseError(f"the vectors in {folder} were made without a projection")
    projection: Vectors = np.array(map_array(folder / f"{_PROJECTION}.npy"))
    return projection


def verify_table(folder: Path) -> TableManifest:
    """Check the hash of every file; raises KnowledgeBaseError naming the first that differs."""
    manifest = read_manifest(folder)
    check_sizes(folder, manifest)
    for name, entry in manifest.files.items():
        found = _sha256(folder / name)
        if found != entry["sha256"]:
            raise KnowledgeBaseError(
                f"{folder / name}: expected sha256 {entry['sha256']}, found {found}"
            )
    return manifest


def write_table(knowledge_base_folder: Path, table: NewTable, manifest: TableManifest) -> Path:
    """Write a table beside its knowledge base, in place of one of the same name, and return its
    folder, which appears whole or not at all; the files are entered into ``manifest``.
    """
    folder = table_folder(knowledge_base_folder, manifest.name)
    with whole_folder(folder) as partial:
        for name, values in _arrays(table):
            np.save(partial / f"{name}.npy", np.ascontiguousarray(values), allow_pickle=False)
        files = {path.name: _file_entry(path) for path in partial.iterdir()}
        text = json.dumps(replace(manifest, files=files).to_record(), indent=2, ensure_ascii=False)
        (partial / MANIFEST_FILE).write_text(text + "\n", "utf-8")
    return folder


def check_sizes(folder: Path, manifest: TableManifest) -> None:
    """Raise KnowledgeBaseError where a file is missing, a link or not as long as it was."""
    expected = {f"{name}.npy" for name in ARRAYS}
    if not expected <= manifest.files.keys() <= expected | {f"{_PROJECTION}.npy"}:
        raise KnowledgeBaseError(f"{folder}: expected {sorted(expected)}, got {[*manifest.files]}")
    for name, entry in manifest.files.items():
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise KnowledgeBaseError(f"{folder}: the file {name} is missing")
        if path.stat().st_size != entry["bytes"]:
            size = path.stat().st_size
            raise KnowledgeBaseError(f"{path}: expected {entry['bytes']} bytes, found {size}")


def map_array(path: Path) -> npt.NDArray[Any]:
    """The array of a npy file, mapped; raises KnowledgeBaseError where it is none."""
    try:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise KnowledgeBaseError(f"{path} cannot be read: {error}") from error
    return np.asarray(mapped).view(np.ndarray)


def _arrays(table: NewTable) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    yield "vectors", table.vectors.astype(np.float16)
    yield "concept_rows", table.concept_rows.astype(np.int32)
    yield "type_rows", table.type_rows.astype(np.int32)
    if table.projection is not None:
        yield _PROJECTION, table.projection.astype(np.float32)


def _file_entry(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
