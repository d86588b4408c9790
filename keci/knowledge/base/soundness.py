"""Whether the arrays of a knowledge base fit each other, which hashes cannot tell."""

import numpy as np
import numpy.typing as npt

from keci.errors import KnowledgeBaseError
from keci.knowledge.base.ragged import StringTable
from keci.knowledge.base.tables import Tables

Array = npt.NDArray[np.integer]


def check_tables(tables: Tables, *, type_count: int, relation_count: int) -> None:
    """Raises KnowledgeBaseError naming the first array that leads out of another, or past it."""
    concepts = len(tables.name_splits) - 1
    for name in ("names", "sources", "xrefs", "definitions"):
        _check_strings(name, getattr(tables, name))
    for name, rows, values in (
        ("posting_splits", len(tables.name_keys), len(tables.posting_concepts)),
        ("name_splits", concepts, len(tables.names)),
        ("source_splits", concepts, len(tables.sources)),
        ("xref_splits", concepts, len(tables.xrefs)),
        ("type_splits", concepts, len(tables.type_indices)),
        ("relation_splits", concepts, len(tables.relation_tails)),
    ):
        _check_splits(name, getattr(tables, name), rows, values)
    for name, length, largest in (
        ("id_concepts", len(tables.concept_ids), concepts),
        ("posting_concepts", len(tables.posting_concepts), concepts),
        ("posting_flags", len(tables.posting_concepts), 256),
        ("type_indices", len(tables.type_indices), type_count),
        ("relation_tails", len(tables.relation_tails), concepts),
        ("relation_kinds", len(tables.relation_tails), relation_count),
    ):
        _check_indices(name, getattr(tables, name), length, largest)
    if len(tables.definitions) != concepts:
        raise _unfit("definitions", f"expected {concepts:,} of them")


def _check_strings(name: str, table: StringTable) -> None:
    _check_splits(f"{name}_offsets", table.offsets, len(table.offsets) - 1, len(table.text))


def _check_splits(name: str, splits: Array, rows: int, values: int) -> None:
    """The borders of rows rise from 0 to the number of values."""
    if splits.ndim != 1 or splits.dtype.kind not in "iu" or len(splits) != rows + 1:
        raise _unfit(name, f"expected {rows + 1:,} whole numbers")
    if splits[0] != 0 or splits[-1] != values or bool(np.any(splits[1:] < splits[:-1])):
        raise _unfit(name, f"expected numbers that rise from 0 to {values:,}")


def _check_indices(name: str, indices: Array, length: int, largest: int) -> None:
    if indices.ndim != 1 or indices.dtype.kind not in "iu" or len(indices) != length:
        raise _unfit(name, f"expected {length:,} whole numbers")
    if length and (int(indices.min()) < 0 or int(indices.max()) >= largest):
        raise _unfit(name, f"expected numbers from 0 to {largest - 1:,}")


def _unfit(name: str, expected: str) -> KnowledgeBaseError:
    return KnowledgeBaseError(f"the knowledge base is damaged: {name}: {expected}")
