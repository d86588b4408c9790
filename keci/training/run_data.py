"""The documents of a run: it learns from some, chooses its epoch on some, is scored on some."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from keci.config import TrainConfig
from keci.data.datasets import load_dataset, off_boundary_mentions
from keci.data.gold import GoldDataset
from keci.data.splits import split_validation
from keci.errors import DataError, UsageError
from keci.schema import TaskSchema
from keci.text.words import find_words

_LOGGER = logging.getLogger(__name__)


class Protocol(StrEnum):
    """Which documents choose the best epoch, and which are scored."""

    CLEAN = "clean"
    PAPER = "paper"
    VALIDATION = "validation"

    @property
    def meaning(self) -> str:
        return _MEANINGS[self]


_MEANINGS = {
    Protocol.CLEAN: "epoch chosen on validation documents, held-out documents scored once",
    Protocol.PAPER: "the paper's protocol: epoch chosen on the held-out documents that are scored",
    Protocol.VALIDATION: "validation scores: epoch chosen on the documents that are scored",
}


@dataclass(frozen=True, slots=True)
class RunData:
    """The documents of a run; under any protocol but "clean" validation and scored are equal.

    ``description`` tells where they come from, so that a run is not resumed on others.
    """

    training: GoldDataset
    validation: GoldDataset
    scored: GoldDataset
    protocol: Protocol
    description: Mapping[str, str]

    def __post_init__(self) -> None:
        sizes = [len(part.documents) for part in (self.training, self.validation, self.scored)]
        if not all(sizes):
            raise DataError(
                "the data are too small: {} training, {} validation and {} scored "
                "documents would be left".format(*sizes)
            )
        message = "%d training and %d validation documents, %d to score (%s)"
        _LOGGER.info(message, *sizes, self.protocol.meaning)


@dataclass(frozen=True, slots=True)
class DataFiles:
    """Annotated files; what is absent is split off ``train``, or else not used."""

    train: Path
    validation: Path | None = None
    test: Path | None = None

    def describe(self) -> dict[str, str]:
        """Names and hashes of the files that are given."""
        given = {"train": self.train, "validation": self.validation, "test": self.test}
        names = {part: path.name for part, path in given.items() if path}
        hashes = {f"{part}_sha256": _sha256(path) for part, path in given.items() if path}
        return {**names, **hashes}


def _sha256(path: Path) -> str:
    """The hash of a file, or of the names and contents of a folder's files."""
    if not path.is_dir():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    whole = hashlib.sha256()
    for file in sorted(item for item in path.rglob("*") if item.is_file()):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        whole.update(f"{file.relative_to(path).as_posix()} {content}\n".encode())
    return whole.hexdigest()


def read_run_data(
    files: DataFiles, schema: TaskSchema, config: TrainConfig, *, protocol: Protocol
) -> RunData:
    """Read the documents of a run; without a test file the validation documents are scored.

    Raises UsageError where a validation file is given although ``protocol`` takes the test file.
    """
    whole, description = read_training(files.train, schema), files.describe()
    validation = load_dataset(files.validation, schema) if files.validation else None
    if files.test is None:
        training, validation = _split(whole, validation, config)
        description.setdefault("validation", _split_name(files.train.name, config))
        return RunData(training, validation, validation, Protocol.VALIDATION, description)
    if validation is not None and protocol is Protocol.PAPER:
        raise UsageError(f"{protocol.meaning}; leave the validation file out")
    held_out = load_dataset(files.test, schema)
    return hold_out(whole, held_out, config, protocol=protocol, description=description,
                    validation=validation)  # fmt: skip


def hold_out(
    whole: GoldDataset,
    held_out: GoldDataset,
    config: TrainConfig,
    *,
    protocol: Protocol,
    description: Mapping[str, str],
    validation: GoldDataset | None = None,
) -> RunData:
    """Train on ``whole`` and score ``held_out`` under a protocol.

    Under "clean", ``validation`` chooses the epoch, or a part split off ``whole``.
    """
    described = {"protocol": protocol.value, **description}
    if protocol is Protocol.PAPER:
        return RunData(whole, held_out, held_out, protocol, described)
    described.setdefault("validation", _split_name(described["train"], config))
    training, validation = _split(whole, validation, config)
    return RunData(training, validation, held_out, protocol, described)


def read_training(path: Path, schema: TaskSchema) -> GoldDataset:
    """Annotated documents to learn from; mentions that no model can find are told in the log."""
    dataset = load_dataset(path, schema)
    off_boundary_mentions(dataset, find_words)
    return dataset


def _split(
    whole: GoldDataset, validation: GoldDataset | None, config: TrainConfig
) -> tuple[GoldDataset, GoldDataset]:
    if validation is not None:
        return whole, validation
    return split_validation(whole, fraction=config.validation_share, seed=config.split_seed)


def _split_name(train: str, config: TrainConfig) -> str:
    return f"{config.validation_share:g} of {train}"
