"""Relations between concepts as arrays."""

from array import array
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keci.errors import KnowledgeBaseError
from keci.knowledge.ragged import Integers, ragged_positions

_INDEX_BITS = 28
_KIND_BITS = 8
_CHUNK = 1 << 22


@dataclass(frozen=True, slots=True)
class Triples:
    """Distinct relations (triples,), sorted by head, then tail, then kind."""

    heads: Integers
    tails: Integers
    kinds: npt.NDArray[np.uint8]


class TripleBuilder:
    """Collects relations in any order; 8 bytes each, repeats dropped chunk by chunk."""

    def __init__(self) -> None:
        self._chunk = array("Q")
        self._packed: list[npt.NDArray[np.uint64]] = []

    def add(self, head: int, tail: int, kind: int) -> None:
        """Add a relation between two concept indices; one of a concept to itself is left out."""
        if head == tail:
            return
        self._chunk.append(((head << _INDEX_BITS | tail) << _KIND_BITS) | kind)
        if len(self._chunk) >= _CHUNK:
            self._pack()

    def add_all(self, triples: Triples) -> None:
        """Add relations whose ends are concept indices already; ends that are -1 are left out."""
        present = (triples.heads >= 0) & (triples.tails >= 0) & (triples.heads != triples.tails)
        heads = triples.heads[present].astype(np.uint64) << np.uint64(_INDEX_BITS)
        ends = (heads | triples.tails[present].astype(np.uint64)) << np.uint64(_KIND_BITS)
        self._packed.append(np.unique(ends | triples.kinds[present].astype(np.uint64)))

    def finish(self) -> Triples:
        """All relations; raises KnowledgeBaseError where an index needs more than 28 bits."""
        self._pack()
        packed = np.unique(np.concatenate(self._packed))
        ends = packed >> np.uint64(_KIND_BITS)
        mask = np.uint64((1 << _INDEX_BITS) - 1)
        return Triples(
            heads=(ends >> np.uint64(_INDEX_BITS)).astype(np.int32),
            tails=(ends & mask).astype(np.int32),
            kinds=(packed & np.uint64((1 << _KIND_BITS) - 1)).astype(np.uint8),
        )

    def _pack(self) -> None:
        self._packed.append(np.unique(np.array(self._chunk, dtype=np.uint64)))
        self._chunk = array("Q")


def check_sizes(concept_count: int, relation_count: int) -> None:
    """Raise KnowledgeBaseError where the numbers do not fit into a packed relation."""
    if concept_count >= 1 << _INDEX_BITS or relation_count > 1 << _KIND_BITS:
        raise KnowledgeBaseError(
            f"at most {1 << _INDEX_BITS:,} concepts and {1 << _KIND_BITS} relations are possible, "
            f"found {concept_count:,} and {relation_count}"
        )


def observe_type_relations(
    triples: Triples,
    type_splits: Integers,
    type_indices: npt.NDArray[np.int16],
    *,
    min_count: int,
) -> Integers:
    """The relations seen between types, (triples, 4): head type, tail type, relation, count.

    A triple of concepts counts once for each pair of their types; pairs seen less than
    ``min_count`` times are left out.
    """
    counts = np.diff(type_splits)
    head_repeats = np.repeat(np.arange(len(triples.heads)), counts[triples.heads])
    head_types = type_indices[ragged_positions(type_splits, triples.heads)]
    tails = triples.tails[head_repeats]
    pair_rows = np.repeat(np.arange(len(head_repeats)), counts[tails])
    tail_types = type_indices[ragged_positions(type_splits, tails)]
    kinds = triples.kinds[head_repeats[pair_rows]].astype(np.int16)
    rows = np.stack([head_types[pair_rows], tail_types, kinds], axis=1).astype(np.int32)
    found, occurrences = np.unique(rows, axis=0, return_counts=True)
    kept = occurrences >= min_count
    return np.column_stack([found[kept], occurrences[kept]]).astype(np.int32)
