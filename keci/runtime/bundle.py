"""A model bundle: a folder with ONNX graphs, torch graph weights, tokenizer and manifest.

    manifest.json  graph.safetensors  tokenizer.json  PRECISION/STAGE.onnx

The manifest lists every other file with its size and sha256. Opening a bundle checks all of them
and refuses files, links and paths that the manifest does not know, headers of weights beyond a
limit, and graphs that would read files that are not listed; nothing is unpickled.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from keci.config import ModelConfig, config_from_record, config_to_record
from keci.errors import BundleError
from keci.runtime.onnx_data import external_locations
from keci.schema import TaskSchema

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
    model was trained with.
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
            "files": {
                name: {"size": item.size, "sha256": item.sha256}
                for name, item in sorted(self.files.items())
            },
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Manifest":
        """Read a manifest; raises BundleError where it is of another format or incomplete."""
        if record.get("format") != FORMAT:
            raise BundleError(f"bundle format {record.get('format')!r}, expected {FORMAT}")
        try:
            return cls(
                record["name"],
                TaskSchema.from_record(record["schema"]),
                config_from_record(ModelConfig, record["model"]),
                record["encoder_width"],
                record["max_pieces"],
                record["knowledge_base"],
                record["stages"],
                record["precisions"],
                record["default_precision"],
                record["training"],
                {name: BundleFile(**item) for name, item in record["files"].items()},
            )
        except (KeyError, TypeError) as error:
            raise BundleError(f"the bundle's manifest is incomplete: {error}") from error


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
