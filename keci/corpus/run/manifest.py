"""What a finished run says of itself: how it was made, what it left, and what became of records.

The manifest of equal runs is equal: it holds no times and no paths but those of the inputs.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import orjson

from keci.corpus.records import Shard
from keci.errors import DataError, UsageError
from keci.fields import Fields
from keci.formats.stream import Source

FORMAT = 2
_JSON = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file of a run: its name, how many records it has, and its bytes."""

    name: str
    records: int
    bytes: int
    sha256: str

    @classmethod
    def read(cls, record: Fields) -> Self:
        """Raises DataError where a field is missing or of another type, or the name is a path."""
        return cls(
            record.file_name("name"),
            record.count("records"),
            record.count("bytes"),
            record.sha256("sha256"),
        )


@dataclass(frozen=True, slots=True)
class Manifest:
    """``run`` is what the run was asked to do, the rest what came of it.

    ``read`` records were read, of which limit and sample took ``taken``; the ids of ``repeated`` of
    these had come before. The files, and ``superseded``, are those of the shard.
    """

    run: Mapping[str, Any]
    parts: Sequence[FileFacts]
    failures: FileFacts | None
    withdrawn_records: FileFacts | None
    superseded: int
    read: int
    taken: int
    repeated: int

    @property
    def written(self) -> int:
        return sum(part.records for part in self.parts)

    @property
    def failed(self) -> int:
        return self.failures.records if self.failures else 0

    @property
    def withdrawn(self) -> int:
        return self.withdrawn_records.records if self.withdrawn_records else 0

    @property
    def deleted(self) -> int:
        return self.withdrawn - self.superseded

    @property
    def shard(self) -> Shard:
        return Shard.parse(self.run["options"]["shard"])

    @property
    def taken_here(self) -> int:
        """Records of the run's own shard."""
        return self.shard.count(self.taken)

    def encode(self) -> bytes:
        counts = {
            "read": self.read, "taken": self.taken,
            "written": self.written, "failed": self.failed,
            "superseded": self.superseded, "deleted": self.deleted, "repeated": self.repeated,
        }  # fmt: skip
        record = {
            "format": FORMAT,
            "run": self.run,
            "records": counts,
            "parts": [asdict(part) for part in self.parts],
            "failures": asdict(self.failures) if self.failures else None,
            "withdrawn": asdict(self.withdrawn_records) if self.withdrawn_records else None,
        }
        return orjson.dumps(record, option=_JSON)


def read_manifest(path: Path) -> Manifest:
    """Raises DataError where there is none, or one of another format or incomplete."""
    try:
        record = Fields(orjson.loads(path.read_bytes()), f"{path} is no manifest of a run")
    except FileNotFoundError as error:
        raise DataError(f"there is no manifest {path}: was the run finished?") from error
    except (OSError, orjson.JSONDecodeError) as error:
        raise DataError(f"{path} is no manifest of a run: {error}") from error
    if (found := record.count("format")) != FORMAT:
        raise DataError(f"{path}: format {found}, expected {FORMAT}")
    failures, withdrawn = record.optional("failures"), record.optional("withdrawn")
    counts = record.inner("records")
    return Manifest(
        read_run(record),
        [FileFacts.read(part) for part in record.inner_items("parts")],
        FileFacts.read(failures) if failures else None,
        FileFacts.read(withdrawn) if withdrawn else None,
        counts.count("superseded"),
        counts.count("read"),
        counts.count("taken"),
        counts.count("repeated"),
    )


def read_run(record: Fields) -> Mapping[str, Any]:
    """The field ``run``; raises DataError unless shard and format are in it as they should be."""
    options = record.inner("run").inner("options")
    try:
        Shard.parse(options.text("shard"))
    except UsageError as error:
        raise options.mistake("shard", "K/N with 1 <= K <= N") from error
    if "format" in record.mapping("run")["options"]:
        options.text("format")
    return record.mapping("run")


def file_facts(path: Path, records: int, name: str | None = None) -> FileFacts:
    """Size and sha256 of a file, which is called ``name`` where that is another."""
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return FileFacts(name or path.name, records, path.stat().st_size, digest)


def describe_inputs(sources: Sequence[Source]) -> list[dict[str, Any]]:
    """Name, size and sha256 of each input; only the name of one that can be read just once."""
    return [_describe_input(source) for source in sources]


def _describe_input(source: Source) -> dict[str, Any]:
    state = source.state()
    if state is None:
        return {"name": source.name, "bytes": None, "sha256": None}
    with source.open_stored() as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return {"name": source.name, "bytes": state[0], "sha256": digest}


def differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Where two descriptions of runs differ, each as ``path: old -> new``."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted({*old, *new}):
            yield from differences(old.get(name), new.get(name), f"{path}.{name}".strip("."))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True), start=1):
            yield from differences(one, other, f"{path}[{number}]")
    elif isinstance(old, list) and isinstance(new, list):
        yield f"{path}: {len(old)} of them -> {len(new)}"
    elif old != new:
        yield f"{path}: {old} -> {new}"
