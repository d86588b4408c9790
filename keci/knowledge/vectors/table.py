"""Vectors of concepts and semantic types: the pretrained input of the graph's nodes (Sec 2.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from keci.errors import KnowledgeBaseError
from keci.knowledge.base.ragged import Integers
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.graph import BackgroundGraph
from keci.knowledge.vectors.folder import (
    ARRAYS,
    TableManifest,
    Vectors,
    check_sizes,
    map_array,
    read_manifest,
    table_folder,
    table_names,
)


@dataclass(frozen=True, slots=True)
class VectorTable:
    """Memory-mapped vectors of a knowledge base's concepts and semantic types."""

    manifest: TableManifest
    vectors: npt.NDArray[np.float16]
    concept_rows: Integers
    type_rows: Integers

    @classmethod
    def open(cls, folder: Path, base: KnowledgeBase) -> "VectorTable":
        """Map the table in ``folder``.

        Raises KnowledgeBaseError where it is damaged or belongs to another base than ``base``.
        """
        manifest = read_manifest(folder)
        if manifest.knowledge_base != base.fingerprint:
            raise KnowledgeBaseError(
                f"{folder}: these vectors belong to the knowledge base {manifest.knowledge_base}, "
                f"not to {base.name!r} ({base.fingerprint}); make them anew with keci-kb embed"
            )
        check_sizes(folder, manifest)
        arrays = {name: map_array(folder / f"{name}.npy") for name in ARRAYS}
        _check_arrays(folder, manifest, arrays, base)
        return cls(manifest, **arrays)

    @classmethod
    def absent(cls, space: str, width: int, base: KnowledgeBase) -> "VectorTable":
        """A table of ``space`` in which no concept or type of ``base`` has a vector."""
        manifest = TableManifest("", "absent", base.fingerprint, space, width, {}, {})
        none = np.full(len(base), -1, dtype=np.int32)
        types = np.full(len(base.type_codes), -1, dtype=np.int32)
        return cls(manifest, np.zeros((0, width), dtype=np.float16), none, types)

    @property
    def is_absent(self) -> bool:
        return not len(self.vectors)

    @property
    def width(self) -> int:
        return self.manifest.width

    @property
    def space(self) -> str:
        return self.manifest.space

    def gather(self, concept_indices: npt.NDArray[np.integer]) -> Vectors:
        """The vectors of concepts (n,) as (n, width), zeros where there is none."""
        return self._rows(self.concept_rows[concept_indices])

    def gather_types(self, type_indices: npt.NDArray[np.integer]) -> Vectors:
        """The vectors of semantic types (n,) as (n, width), zeros where there is none."""
        return self._rows(self.type_rows[type_indices])

    def _rows(self, rows: Integers) -> Vectors:
        found = np.zeros((len(rows), self.width), dtype=np.float32)
        present = rows >= 0
        found[present] = self.vectors[rows[present]]
        return found


def node_vectors(tables: Sequence[VectorTable], graph: BackgroundGraph) -> Vectors:
    """The concatenated vectors of a graph's nodes (nodes, sum of widths), zeros where none is."""
    is_type = graph.node_concepts < 0
    types = graph.node_types[graph.node_types_splits[:-1][is_type]]
    columns = [np.zeros((len(is_type), 0), dtype=np.float32)]
    for table in tables:
        vectors = np.empty((len(is_type), table.width), dtype=np.float32)
        vectors[is_type] = table.gather_types(types)
        vectors[~is_type] = table.gather(graph.node_concepts[~is_type])
        columns.append(vectors)
    return np.concatenate(columns, axis=1)


def open_tables(
    knowledge_base_folder: Path, base: KnowledgeBase, names: Sequence[str]
) -> tuple[VectorTable, ...]:
    """The named tables in the given order; raises KnowledgeBaseError where one is missing."""
    known = table_names(knowledge_base_folder)
    for name in names:
        if name not in known:
            raise KnowledgeBaseError(
                f"{knowledge_base_folder} has no vectors called {name!r}; "
                f"there are: {', '.join(known) or 'none'}. Make them with keci-kb embed"
            )
    return tuple(
        VectorTable.open(table_folder(knowledge_base_folder, name), base) for name in names
    )


def tables_of_spaces(
    base: KnowledgeBase, spaces: Sequence[tuple[str, int]]
) -> tuple[VectorTable, ...]:
    """For each vector space and width that a model was trained with, the table of ``base`` in it.

    Where ``base`` has none, an absent table stands in, whose vectors are zeros; tables of another
    knowledge base do not count.
    """
    found: dict[tuple[str, int], VectorTable] = {}
    folders = (
        [table_folder(base.folder, name) for name in table_names(base.folder)]
        if base.folder and spaces
        else []
    )
    for folder in folders:
        manifest = read_manifest(folder)
        key = manifest.space, manifest.width
        if key in spaces and key not in found and manifest.knowledge_base == base.fingerprint:
            found[key] = VectorTable.open(folder, base)
    return tuple(found.get(key) or VectorTable.absent(*key, base) for key in spaces)


def _check_arrays(
    folder: Path,
    manifest: TableManifest,
    arrays: Mapping[str, npt.NDArray[Any]],
    base: KnowledgeBase,
) -> None:
    rows = len(arrays["vectors"])
    expected = {
        "vectors": (np.float16, (rows, manifest.width)),
        "concept_rows": (np.int32, (len(base),)),
        "type_rows": (np.int32, (len(base.type_codes),)),
    }
    for name, (dtype, shape) in expected.items():
        found = arrays[name]
        if found.dtype != dtype or found.shape != shape:
            raise KnowledgeBaseError(
                f"{folder / name}.npy: expected {np.dtype(dtype)} {shape}, "
                f"found {found.dtype} {found.shape}"
            )
        if dtype == np.int32 and not -1 <= found.min(initial=-1) <= found.max(initial=-1) < rows:
            raise KnowledgeBaseError(f"{folder / name}.npy names rows outside 0..{rows - 1}")
