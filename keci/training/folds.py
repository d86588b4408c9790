"""Folds of a cross-validation: split by a seed, or given as files."""

import logging
import re
from dataclasses import replace
from glob import glob, has_magic
from pathlib import Path

from keci.config import TrainConfig
from keci.data.brat import is_brat_folder
from keci.data.datasets import load_dataset
from keci.data.gold import GoldDataset
from keci.data.splits import split_fold
from keci.errors import UsageError
from keci.schema import TaskSchema
from keci.training.run_data import DataFiles, Protocol, RunData, hold_out, read_training

_LOGGER = logging.getLogger(__name__)
_SHOWN = 5


class SplitFolds:
    """Folds of one file: its split keys are dealt out by the config's split seed."""

    def __init__(self, train: Path, schema: TaskSchema, *, folds: int) -> None:
        self.folds = folds
        self.whole = read_training(train, schema)
        self.description = DataFiles(train).describe()

    def read(self, fold: int, config: TrainConfig, *, protocol: Protocol) -> RunData:
        """The documents of fold 1..folds; raises DataError where there are too few for so many."""
        training, held_out = split_fold(
            self.whole, folds=self.folds, fold=fold, seed=config.split_seed
        )
        return hold_out(
            training,
            held_out,
            _for_validation(config, fold),
            protocol=protocol,
            description={**self.description, "fold": str(fold), "folds": f"{self.folds}, split"},
        )


class FileFolds:
    """Folds that come as a file to train on and one to score, each pair with a number."""

    def __init__(self, train: Path, test: Path | None, schema: TaskSchema, *, folds: int) -> None:
        """``train`` and ``test`` are folders or patterns; ``test`` may lie in ``train``.

        Raises UsageError where there are not ``folds`` pairs.
        """
        self.folds = folds
        self.schema = schema
        if test is None and has_magic(str(train)):
            raise UsageError(f"--train {train} names the training parts: name the held-out ones "
                             "with --test")  # fmt: skip
        training, held_out = _numbered(train, "train"), _numbered(test or train, "test")
        if training.keys() != held_out.keys() or len(training) != folds:
            raise UsageError(
                f"{folds} folds need as many files to train on and to score, in pairs of one "
                f"number; there are training files {sorted(training)} and files to score "
                f"{sorted(held_out)}"
            )
        self.files = [DataFiles(training[n], test=held_out[n]) for n in sorted(training)]

    def read(self, fold: int, config: TrainConfig, *, protocol: Protocol) -> RunData:
        """The documents of fold 1..folds, in the order of the files' numbers."""
        files = self.files[fold - 1]
        assert files.test is not None
        training = read_training(files.train, self.schema)
        held_out = load_dataset(files.test, self.schema)
        _warn_of_shared(files, training, held_out)
        return hold_out(
            training,
            held_out,
            _for_validation(config, fold),
            protocol=protocol,
            description={**files.describe(), "fold": str(fold), "folds": f"{self.folds}, files"},
        )


Folds = SplitFolds | FileFolds


def open_folds(train: Path, test: Path | None, schema: TaskSchema, *, folds: int) -> Folds:
    """The folds that ``train`` means: a folder or pattern of files, or one file to be split.

    Raises UsageError where one file to be split comes with files to score.
    """
    if not is_brat_folder(train) and (train.is_dir() or has_magic(str(train))):
        return FileFolds(train, test, schema, folds=folds)
    if test is not None:
        raise UsageError(
            f"--folds splits {train} itself: leave --test out, or give both as folders or patterns"
        )
    return SplitFolds(train, schema, folds=folds)


def _for_validation(config: TrainConfig, fold: int) -> TrainConfig:
    """A split seed of its own for each fold's validation part.

    With one seed for all folds, the documents ranked first would be validation documents in nearly
    every fold, and no network would ever learn from them.
    """
    return replace(config, split_seed=config.split_seed + fold)


def _numbered(location: Path, part: str) -> dict[int, Path]:
    """The files of a pattern, or those of a folder that are named after ``part``, by number."""
    pattern = f"{location}/*{part}*" if location.is_dir() else str(location)
    found: dict[int, Path] = {}
    for path in map(Path, sorted(glob(pattern))):
        numbers = re.findall(r"\d+", str(path))
        if not numbers or int(numbers[-1]) in found:
            raise UsageError(
                f"{pattern}: expected files with a number each, all different, got {path}"
            )
        found[int(numbers[-1])] = path
    return found


def _warn_of_shared(files: DataFiles, training: GoldDataset, held_out: GoldDataset) -> None:
    texts = {document.extraction.text for document in training.documents}
    shared = [item.id for item in held_out.documents if item.extraction.text in texts]
    if shared:
        message = "%s: %d of %d texts to score are in %s too: %s"
        listed = ", ".join(map(repr, shared[:_SHOWN]))
        _LOGGER.warning(
            message, files.test, len(shared), len(held_out.documents), files.train, listed
        )
