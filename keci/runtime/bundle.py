"""A model bundle: a folder with ONNX graphs, torch graph weights, tokenizer and manifest.

    manifest.json  graph.safetensors  tokenizer.json  PRECISION/STAGE.onnx

The manifest lists every other file with its size and sha256. Opening a bundle checks all of them
and refuses files, links and paths that the manifest does not know, headers of weights beyond a
limit, and graphs that would read files that are not listed; nothing is unpickled.
"""

import hashlib
import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import orjson

from keci.config import ModelConfig, config_from_record, config_to_record
from keci.errors import BundleError, ConfigError, DataError
from keci.fields import Fields
from keci.schema import TaskSchema
from keci.text.sentences import UNITS

MANIFEST_FILE = "manifest.json"
GRAPH_FILE = "graph.safetensors"
TOKENIZER_FILE = "tokenizer.json"
FORMAT = 1
ENCODER = "encoder"
PAIR_SCORER = "pair_scorer"
FINAL_PAIR_SCORER = "final_pair_scorer"
INITIAL_STAGES = (ENCODER, "span_scorer", PAIR_SCORER)
EXPORTED_STAGES = (*INITIAL_STAGES, "final_span_scorer", FINAL_PAIR_SCORER)
PAIRWISE_STAGES = (PAIR_SCORER, FINAL_PAIR_SCORER)
"""Those whose scores of a pair depend on no other pair."""

_MANIFEST_LIMIT = 16 * 2**20
_HEADER_LIMIT = 16 * 2**20
_HEADER_SIZE_BYTES = 8
_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class BundleFile:
    """Size in bytes and sha256 of a file of the bundle."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle holds.

    ``precisions`` maps a precision to its facts, such as its F1 on the validation documents;
    ``default_precision`` is the one that a CPU runs. ``stages`` gives the named inputs and
    outputs of each exported stage, ``knowledge_base`` name and fingerprint of the base that the
    model was trained with, ``units`` are those that it was trained on, the usual one first; bundles
    of before November 2026 do not tell.
    """

    name: str
    schema: TaskSchema
    model: ModelConfig
    encoder_width: int
    max_pieces: int
    knowledge_base: Mapping[str, str] | None
    stages: Mapping[str, Mapping[str, Any]]
    precisions: Mapping[str, Mapping[str, Any]]
    default_precision: str
    training: Mapping[str, Any]
    files: Mapping[str, BundleFile]
    units: tuple[str, ...] = ()

    @property
    def relation_odds(self) -> float:
        """What export multiplied the odds of every relation by; BundleError where it is not > 0."""
        factor = self.training.get("relation_odds", 1.0)
        if isinstance(factor, bool) or not isinstance(factor, int | float) or factor <= 0:
            raise BundleError(f"the manifest's relation_odds are {factor!r}, expected above 0")
        return float(factor)

    def to_record(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "name": self.name,
            "schema": self.schema.to_record(),
            "model": config_to_record(self.model),
            "encoder_width": self.encoder_width,
            "max_pieces": self.max_pieces,
            "knowledge_base": self.knowledge_base,
            "stages": self.stages,
            "precisions": self.precisions,
            "default_precision": self.default_precision,
            "training": self.training,
            "units": list(self.units),
            "files": {
                name: {"size": item.size, "sha256": item.sha256}
                for name, item in sorted(self.files.items())
            },
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Manifest":
        """Read a manifest; raises BundleError where it is of another format or mistyped."""
        found = record.get("format") if isinstance(record, Mapping) else None
        if type(found) is not int or found != FORMAT:
            raise BundleError(f"bundle format {found!r}, expected {FORMAT}")
        try:
            return cls._from_fields(Fields(record, "the bundle's manifest"))
        except (DataError, ConfigError) as error:
            raise BundleError(f"{error}") from error
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise BundleError(f"the bundle's manifest is damaged: {error!r}") from error

    @classmethod
    def _from_fields(cls, given: Fields) -> "Manifest":
        precisions = _mappings(given, "precisions")
        default = given.text("default_precision")
        if default not in precisions:
            raise given.mistake("default_precision", f"one of {', '.join(precisions) or 'none'}")
        files = given.inner("files")
        return cls(
            name=given.text("name"),
            schema=TaskSchema.from_record(given.mapping("schema")),
            model=config_from_record(ModelConfig, given.mapping("model")),
            encoder_width=given.count("encoder_width"),
            max_pieces=given.count("max_pieces"),
            knowledge_base=_base(given),
            stages=_mappings(given, "stages"),
            precisions=precisions,
            default_precision=default,
            training=given.mapping("training"),
            files={
                name: BundleFile(file.count("size"), file.sha256("sha256"))
                for name, file in ((name, files.inner(name)) for name in given.mapping("files"))
            },
            units=_units(given),
        )


def _base(given: Fields) -> Mapping[str, str] | None:
    """Name and fingerprint of the knowledge base; None where the model reads none."""
    base = given.optional("knowledge_base")
    return {key: base.text(key) for key in ("name", "fingerprint")} if base else None


def _mappings(given: Fields, name: str) -> Mapping[str, Mapping[str, Any]]:
    """Objects by name."""
    inner = given.inner(name)
    return {key: inner.mapping(key) for key in given.mapping(name)}


def _units(given: Fields) -> tuple[str, ...]:
    """Older bundles tell none."""
    if "units" not in given:
        return ()
    units = given.items("units")
    if not all(unit in UNITS for unit in units):
        raise given.mistake("units", f"some of {', '.join(UNITS)}")
    return tuple(units)


def exported_stages(config: ModelConfig) -> tuple[str, ...]:
    """The stages of a model that are exported as ONNX graphs, in order."""
    return EXPORTED_STAGES if config.knowledge == "fusion" else INITIAL_STAGES


def read_bundle(folder: Path) -> Manifest:
    """The manifest of a bundle whose files were all checked; raises BundleError otherwise."""
    manifest = read_manifest(folder)
    _check_listing(folder, manifest)
    for name, expected in manifest.files.items():
        _check_file(folder / name, expected)
        if name.endswith(".onnx"):
            _check_external_data(folder, name, manifest)
        elif name.endswith(".safetensors"):
            _check_header(folder / name)
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """What a bundle says of itself, its other files unchecked; raises BundleError."""
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise BundleError(f"{folder} is no model bundle: {MANIFEST_FILE} is missing")
    if path.stat().st_size > _MANIFEST_LIMIT:
        raise BundleError(f"{path} has {path.stat().st_size} bytes, at most {_MANIFEST_LIMIT}")
    try:
        record = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise BundleError(f"{path} is not json: {error}") from error
    return Manifest.from_record(record)


def describe_file(path: Path) -> BundleFile:
    """Size and sha256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return BundleFile(path.stat().st_size, digest.hexdigest())


def _check_listing(folder: Path, manifest: Manifest) -> None:
    for name in manifest.files:
        parts = PurePosixPath(name).parts
        if PurePosixPath(name).is_absolute() or ".." in parts or "\\" in name:
            raise BundleError(f"the manifest lists a file outside the bundle: {name!r}")
    links = [path for path in folder.rglob("*") if path.is_symlink()]
    if links:
        raise BundleError(f"a bundle has no links, found {links[0]}")
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    special = [path for path in folder.rglob("*") if not path.is_file() and not path.is_dir()]
    if special:
        raise BundleError(f"a bundle has files alone, found {special[0]}")
    missing, unknown = manifest.files.keys() - found, found - manifest.files.keys()
    unknown -= {MANIFEST_FILE}
    if missing or unknown:
        raise BundleError(
            f"{folder}: missing files {sorted(missing)}, unknown files {sorted(unknown)}"
        )


def _check_external_data(folder: Path, name: str, manifest: Manifest) -> None:
    """Raises BundleError where a graph names data that is no listed file of the bundle."""
    for location in sorted(external_locations(folder / name)):
        path = PurePosixPath(location)
        is_inside = location and not path.is_absolute() and ".." not in path.parts
        if not is_inside or str(PurePosixPath(name).parent / path) not in manifest.files:
            raise BundleError(
                f"{folder / name} reads its data from {location!r}, "
                "which the manifest does not list"
            )


def _check_header(path: Path) -> None:
    """Raises BundleError where the header of a safetensors file is larger than it may be."""
    with path.open("rb") as stream:
        size = int.from_bytes(stream.read(_HEADER_SIZE_BYTES), "little")
    limit = min(_HEADER_LIMIT, path.stat().st_size - _HEADER_SIZE_BYTES)
    if size > limit:
        raise BundleError(f"{path} has a header of {size} bytes, at most {limit}")


def _check_file(path: Path, expected: BundleFile) -> None:
    found = describe_file(path)
    if found != expected:
        raise BundleError(
            f"{path} was changed: expected {expected.size} bytes with sha256 {expected.sha256}, "
            f"found {found.size} with {found.sha256}"
        )


_FIELDS: Final[dict[str, dict[int, str]]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
"""The message of each field number, from onnx.proto."""

_OP_TYPE, _LOOPS = 4, (b"Loop", b"Scan")
"""Operators that may run for ever; no graph that KECI exports has one."""

_EXTERNAL_DATA, _DATA_LOCATION, _EXTERNAL = 13, 14, 1
_KEY, _VALUE = 1, 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_MOST_MESSAGES = 10_000_000
_NOWHERE = ""


def external_locations(path: Path) -> frozenset[str]:
    """The files that tensors name as theirs, "" for one that names none; usually there are none.

    Raises BundleError where the file is no ONNX graph, or one with a loop.
    """
    if not path.stat().st_size:
        raise BundleError(f"{path} is no ONNX graph: it is empty")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            return frozenset(_locations(content))
        except (IndexError, ValueError, UnicodeDecodeError) as error:
            raise BundleError(f"{path} is no ONNX graph: {error}") from error


def _locations(content: mmap.mmap) -> Iterator[str]:
    open_messages = [("model", 0, len(content))]
    for _ in range(_MOST_MESSAGES):
        if not open_messages:
            return
        kind, start, end = open_messages.pop()
        if kind == "tensor":
            yield from _tensor_location(content, start, end)
            continue
        for number, first, last, _ in _fields(content, start, end):
            if kind == "node" and number == _OP_TYPE and content[first:last] in _LOOPS:
                raise ValueError(f"it has a {content[first:last].decode()}, which may never end")
            if number in _FIELDS[kind] and last >= 0:
                open_messages.append((_FIELDS[kind][number], first, last))
    raise ValueError("it has too many parts")


def _tensor_location(content: mmap.mmap, start: int, end: int) -> Iterator[str]:
    """Where a tensor's data is, if not in the graph."""
    location = None
    for number, first, last, value in _fields(content, start, end):
        if number == _DATA_LOCATION and value == _EXTERNAL:
            location = location or _NOWHERE
        if number == _EXTERNAL_DATA and last >= 0:
            entry = {key: content[a:b] for key, a, b, _ in _fields(content, first, last) if b >= 0}
            is_location = entry.get(_KEY) == b"location"
            location = entry.get(_VALUE, b"").decode() if is_location else location or _NOWHERE
    if location is not None:
        yield location


def _fields(content: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Number, first and last byte (-1 for numbers), and value of each field of a message."""
    offset = start
    while offset < end:
        tag, offset = _varint(content, offset)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, offset = _varint(content, offset)
            yield number, offset, -1, value
        elif wire == _BYTES:
            size, offset = _varint(content, offset)
            yield number, offset, offset + size, 0
            offset += size
        elif wire in (_FIXED32, _FIXED64):
            offset += 4 if wire == _FIXED32 else 8
        else:
            raise ValueError(f"the wire type {wire} at byte {offset}")
        if offset > end:
            raise ValueError(f"a field ends behind its message at byte {offset}")


def _varint(content: mmap.mmap, offset: int) -> tuple[int, int]:
    value = 0
    for shift in range(_LONGEST_VARINT):
        byte = content[offset + shift]
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, offset + shift + 1
    raise ValueError(f"a number without end at byte {offset}")
