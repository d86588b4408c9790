"""Parts of an annotated data set that no document is shared between."""

import hashlib
from pathlib import Path

from keci.data.gold import GoldDataset
from keci.errors import DataError

VALIDATION_FRACTION = 0.1


def split_validation(
    dataset: GoldDataset, *, fraction: float = VALIDATION_FRACTION, seed: int
) -> tuple[GoldDataset, GoldDataset]:
    """Set a share of the split keys apart: (train, validation), each in the order of the data.

    Keys are ranked by the sha256 of seed and key, so the parts do not depend on the order of the
    documents, and all documents of one key stay together. Both parts have at least one key;
    raises DataError where there are fewer than two, ValueError for a fraction outside 0..1.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"the validation fraction must lie between 0 and 1, got {fraction}")
    keys = {document.split_key for document in dataset.documents}
    if len(keys) < 2:
        raise DataError(f"a split needs at least two documents of different keys, got {len(keys)}")
    num_validation = min(max(round(fraction * len(keys)), 1), len(keys) - 1)
    chosen = set(sorted(keys, key=lambda key: _rank(key, seed))[:num_validation])
    return _part(dataset, chosen)


def split_fold(
    dataset: GoldDataset, *, folds: int, fold: int, seed: int
) -> tuple[GoldDataset, GoldDataset]:
    """Fold number ``fold`` (1..folds) of a cross-validation: (training, held out).

    Every split key is held out in exactly one fold, and the folds differ by at most one key. Keys
    are ranked as in ``split_validation``, but apart from it. Raises DataError where there are fewer
    keys than folds, ValueError for a fold outside 1..folds.
    """
    if not 1 <= fold <= folds:
        raise ValueError(f"the fold must lie between 1 and {folds}, got {fold}")
    keys = {document.split_key for document in dataset.documents}
    if len(keys) < folds:
        raise DataError(f"{folds} folds need documents of {folds} different keys, got {len(keys)}")
    ranked = sorted(keys, key=lambda key: _rank(f"folds:{key}", seed))
    return _part(dataset, set(ranked[fold - 1 :: folds]))


def _part(dataset: GoldDataset, chosen: set[str]) -> tuple[GoldDataset, GoldDataset]:
    """The documents whose split key is not among the chosen, and those whose is."""
    rest, apart = (
        tuple(item for item in dataset.documents if (item.split_key in chosen) is wanted)
        for wanted in (False, True)
    )
    return GoldDataset(dataset.schema, rest), GoldDataset(dataset.schema, apart)


def _rank(key: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{key}".encode()).digest()


def write_ids(path: Path, dataset: GoldDataset) -> None:
    """Write the ids of the documents, one a line, for ``select_documents``."""
    path.write_text("".join(f"{document.id}\n" for document in dataset.documents), "utf-8")


def select_documents(dataset: GoldDataset, ids_file: Path) -> GoldDataset:
    """The documents whose ids stand in ``ids_file``, one a line, in the order of the data.

    Raises DataError on an id that the data set does not have.
    """
    wanted = set(ids_file.read_text("utf-8").splitlines())
    unknown = wanted - {document.id for document in dataset.documents}
    if unknown:
        raise DataError(f"{ids_file} names documents that the data lack: {sorted(unknown)[:5]}")
    chosen = tuple(document for document in dataset.documents if document.id in wanted)
    return GoldDataset(dataset.schema, chosen)
