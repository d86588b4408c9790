"""A compiled knowledge base as a folder: arrays, tries and a manifest with their hashes."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from io import BytesIO
from pathlib import Path
from typing import Any

import marisa_trie
import numpy as np
import numpy.typing as npt
import orjson
import platformdirs

from keci.errors import DataError, KnowledgeBaseError
from keci.fields import Fields
from keci.files import whole_folder
from keci.knowledge.base.ragged import StringTable
from keci.knowledge.base.records import SourceRecord
from keci.knowledge.base.soundness import check_tables
from keci.knowledge.base.tables import Tables

FORMAT = "keci-knowledge-base"
VERSION = 1
MANIFEST_FILE = "manifest.json"
_SOURCE_COUNTS = ("concepts", "names", "relations", "definitions")
_TRIES = ("name_keys", "concept_ids")
_STRINGS = ("names", "sources", "xrefs", "definitions")


@dataclass(frozen=True, slots=True)
class Description:
    """What a knowledge base is called, the numbering of its types and relations, its sources."""

    name: str
    type_names: Mapping[str, str]
    relation_names: tuple[str, ...]
    sources: tuple[SourceRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a folder holds; ``build`` (time, memory) is no part of its identity."""

    description: Description
    counts: Mapping[str, int]
    files: Mapping[str, Mapping[str, Any]]
    build: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """The sha256, in hex, that identifies the content."""
        return hashlib.sha256(_canonical_json(self._content())).hexdigest()

    def to_record(self) -> dict[str, Any]:
        return {
            **self._content(),
            "fingerprint": self.fingerprint,
            "build": dict(self.build),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Manifest":
        """Read a manifest; raises KnowledgeBaseError where it is of another format or damaged."""
        if record.get("format") != FORMAT or record.get("version") != VERSION:
            found = f"{record.get('format')!r} version {record.get('version')!r}"
            raise KnowledgeBaseError(f"expected {FORMAT!r} version {VERSION}, found {found}")
        try:
            manifest = cls._from_fields(Fields(record, "the manifest of the knowledge base"))
        except DataError as error:
            raise KnowledgeBaseError(f"{error}") from error
        if record.get("fingerprint") != manifest.fingerprint:
            raise KnowledgeBaseError("the manifest was changed: its fingerprint does not fit")
        return manifest

    @classmethod
    def _from_fields(cls, given: Fields) -> "Manifest":
        types, counts, files = (given.inner(name) for name in ("semantic_types", "counts", "files"))
        relations = given.items("relation_names")
        if not all(isinstance(name, str) for name in relations):
            raise given.mistake("relation_names", "a list of names")
        description = Description(
            name=given.text("name"),
            type_names={code: types.text(code) for code in given.mapping("semantic_types")},
            relation_names=tuple(relations),
            sources=tuple(map(_source, given.inner_items("sources"))),
        )
        return cls(
            description,
            {name: counts.count(name) for name in given.mapping("counts")},
            {
                name: {"bytes": file.count("bytes"), "sha256": file.sha256("sha256")}
                for name, file in ((name, files.inner(name)) for name in given.mapping("files"))
            },
            given.mapping("build"),
        )

    def _content(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "version": VERSION,
            "name": self.description.name,
            "semantic_types": dict(self.description.type_names),
            "relation_names": list(self.description.relation_names),
            "sources": [source.to_record() for source in self.description.sources],
            "counts": dict(self.counts),
            "files": {name: dict(entry) for name, entry in sorted(self.files.items())},
        }


def _source(given: Fields) -> SourceRecord:
    key, title, version, licence, url = map(
        given.text, ("key", "title", "version", "licence", "url")
    )
    counts = {name: given.count(name) for name in _SOURCE_COUNTS}
    return SourceRecord(key, title, version, licence, url, **counts)


def count(tables: Tables) -> dict[str, int]:
    """The sizes that people ask for."""
    return {
        "concepts": len(tables.name_splits) - 1,
        "names": len(tables.names),
        "name_keys": len(tables.name_keys),
        "relations": len(tables.relation_tails),
        "definitions": int(np.count_nonzero(np.diff(tables.definitions.offsets))),
        "type_relations": len(tables.type_relations),
    }


def write_folder(
    tables: Tables,
    folder: Path,
    *,
    description: Description,
    build: Callable[[], Mapping[str, Any]] = dict,
) -> Manifest:
    """Write ``tables`` to ``folder``, which appears whole or not at all.

    ``build`` is called last and says how the folder was made. Raises KnowledgeBaseError where
    ``folder`` holds something else than a knowledge base.
    """
    if folder.exists() and not (folder / MANIFEST_FILE).is_file() and any(folder.iterdir()):
        raise KnowledgeBaseError(f"{folder} exists and is no knowledge base; it is left untouched")
    with whole_folder(folder) as partial:
        files = {}
        for file, data in _file_contents(tables):
            (partial / file).write_bytes(data)
            files[file] = _file_entry(data)
        manifest = Manifest(description, count(tables), files, build())
        text = json.dumps(manifest.to_record(), indent=2, ensure_ascii=False)
        (partial / MANIFEST_FILE).write_text(text + "\n", "utf-8")
    return manifest


def manifest_in_memory(tables: Tables, description: Description) -> Manifest:
    """The manifest that ``tables`` would have if they were written."""
    files = {file: _file_entry(data) for file, data in _file_contents(tables)}
    return Manifest(description, count(tables), files)


def read_folder(folder: Path) -> tuple[Tables, Manifest]:
    """Map the files of ``folder``; raises KnowledgeBaseError where size, header or set differ."""
    manifest = read_manifest(folder)
    _check_listing(folder, manifest)
    for name, entry in manifest.files.items():
        path = folder / name
        if not isinstance(entry.get("bytes"), int) or not isinstance(entry.get("sha256"), str):
            raise KnowledgeBaseError(
                f"{folder / MANIFEST_FILE}: files: {name}: expected bytes and sha256"
            )
        if path.stat().st_size != entry["bytes"]:
            expected, found = entry["bytes"], path.stat().st_size
            raise KnowledgeBaseError(f"{path}: expected {expected} bytes, found {found}")
    try:
        tables = Tables(**{item.name: _read_table(folder, item.name) for item in fields(Tables)})
    except (OSError, ValueError, RuntimeError) as error:
        raise KnowledgeBaseError(f"{folder} cannot be read: {error}") from error
    if count(tables) != dict(manifest.counts):
        raise KnowledgeBaseError(f"{folder}: the arrays do not have the sizes of the manifest")
    return tables, manifest


def read_manifest(folder: Path) -> Manifest:
    """The manifest of ``folder``; raises KnowledgeBaseError where none or a damaged one is."""
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise KnowledgeBaseError(
            f"{folder} is no knowledge base: {MANIFEST_FILE} is missing. "
            f"Make one with: keci-kb build open --fetch --output {folder}"
        )
    try:
        record = orjson.loads(path.read_bytes())
    except (ValueError, OSError) as error:
        raise KnowledgeBaseError(f"{path} is not JSON: {error}") from error
    if not isinstance(record, dict):
        raise KnowledgeBaseError(f"{path}: expected an object, found {type(record).__name__}")
    return Manifest.from_record(record)


def verify_folder(folder: Path) -> Manifest:
    """Check the hash of every file, and that the arrays fit each other.

    Raises KnowledgeBaseError naming the first that does not.
    """
    manifest = read_manifest(folder)
    _check_listing(folder, manifest)
    for name, entry in manifest.files.items():
        path = folder / name
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != entry["sha256"]:
            raise KnowledgeBaseError(f"{path}: expected sha256 {entry['sha256']}, found {found}")
    tables, _ = read_folder(folder)
    types, relations = manifest.description.type_names, manifest.description.relation_names
    check_tables(tables, type_count=len(types), relation_count=len(relations))
    return manifest


def _check_listing(folder: Path, manifest: Manifest) -> None:
    """Raises KnowledgeBaseError unless the files are those that the manifest lists, none a link."""
    for name in manifest.files:
        path = folder / name
        if Path(name).name != name or path.is_symlink() or not path.is_file():
            raise KnowledgeBaseError(f"{folder}: the file {name} is missing")
    known = {*manifest.files, MANIFEST_FILE}
    unknown = sorted(path.name for path in folder.iterdir() if path.name not in known)
    if unknown:
        raise KnowledgeBaseError(f"{folder} holds files that its manifest does not list: {unknown}")


def _file_contents(tables: Tables) -> Iterator[tuple[str, bytes]]:
    for item in fields(Tables):
        value = getattr(tables, item.name)
        if item.name in _TRIES:
            yield f"{item.name}.marisa", value.tobytes()
        elif item.name in _STRINGS:
            yield f"{item.name}.utf8", value.text.tobytes()
            yield f"{item.name}_offsets.npy", _npy_bytes(value.offsets)
        else:
            yield f"{item.name}.npy", _npy_bytes(value)


def _file_entry(data: bytes) -> dict[str, Any]:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _npy_bytes(values: npt.NDArray[Any]) -> bytes:
    stream = BytesIO()
    np.save(stream, np.ascontiguousarray(values), allow_pickle=False)
    return stream.getvalue()


def _read_table(folder: Path, name: str) -> Any:
    if name in _TRIES:
        return marisa_trie.Trie().mmap(str(folder / f"{name}.marisa"))
    if name in _STRINGS:
        offsets = _map_array(folder / f"{name}_offsets.npy")
        return StringTable(_map_bytes(folder / f"{name}.utf8"), offsets)
    return _map_array(folder / f"{name}.npy")


def _map_array(path: Path) -> npt.NDArray[Any]:
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    return np.asarray(mapped).view(np.ndarray)


def _map_bytes(path: Path) -> npt.NDArray[np.uint8]:
    if path.stat().st_size == 0:
        return np.empty(0, dtype=np.uint8)
    return np.memmap(path, dtype=np.uint8, mode="r").view(np.ndarray)


def _canonical_json(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def verify_on_first_use(folder: Path, *, notes: Path | None = None) -> bool:
    """Check the hashes of ``folder`` unless a note says that these passed; True if checked.

    A note is an empty file named by a hash of path, fingerprint, sizes and times of change; notes
    lie in the user's cache folder, or in ``notes``. Where they cannot be written, every use is a
    first one. Raises KnowledgeBaseError where a file differs.
    """
    if notes is None:
        notes = Path(platformdirs.user_cache_dir("keci")) / "verified"
    note = notes / _state(folder)
    if note.is_file():
        return False
    verify_folder(folder)
    try:
        notes.mkdir(parents=True, exist_ok=True)
        note.touch()
    except OSError:
        return True
    return True


def _state(folder: Path) -> str:
    manifest = read_manifest(folder)
    parts = [str(folder.resolve()), manifest.fingerprint]
    for name in sorted(manifest.files):
        path = folder / name
        status = path.stat() if path.exists() else None
        parts.append(f"{name} {status.st_size} {status.st_mtime_ns}" if status else f"{name} gone")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def default_knowledge_base_path() -> Path:
    """The folder named by KECI_KB, or kb/open in the user's data folder."""
    named = os.environ.get("KECI_KB")
    return Path(named) if named else Path(platformdirs.user_data_dir("keci")) / "kb" / "open"
