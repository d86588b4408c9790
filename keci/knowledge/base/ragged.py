"""Rows of unequal length in flat arrays: ``values[splits[row]:splits[row + 1]]`` is one row."""

from array import array
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class StringTable:
    """Strings end to end in UTF-8: string i is ``text[offsets[i]:offsets[i + 1]]``."""

    text: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> str:
        start, end = self.offsets.item(index), self.offsets.item(index + 1)
        return self.text[start:end].tobytes().decode()

    def group(self, first: int, end: int) -> tuple[str, ...]:
        """The strings ``first`` to ``end``, half-open, which stand side by side."""
        offsets = self.offsets[first : end + 1].tolist()
        text = self.text[offsets[0] : offsets[-1]].tobytes()
        ends = [offset - offsets[0] for offset in offsets]
        return tuple([text[start:end].decode() for start, end in pairwise(ends)])

    def heads(self, separator: str) -> frozenset[str]:
        """What stands before the first ``separator`` of the strings that have one."""
        signs = np.append(np.flatnonzero(self.text == ord(separator)), len(self.text))
        starts, ends = self.offsets[:-1], self.offsets[1:]
        cuts = signs[np.searchsorted(signs, starts)]
        starts, widths = starts[cuts < ends], (cuts - starts)[cuts < ends]
        found = set()
        for width in np.unique(widths[widths > 0]):
            heads = self.text[starts[widths == width, None] + np.arange(width)]
            found.update(np.unique(heads.view(f"S{width}")).tolist())
        return frozenset(head.decode() for head in found)


class StringTableBuilder:
    """Collects strings for a StringTable, which may also be cut into groups."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._offsets = array("q", [0])
        self._splits = array("i", [0])

    def append(self, string: str) -> None:
        self._text += string.encode()
        self._offsets.append(len(self._text))

    def end_group(self) -> None:
        self._splits.append(len(self._offsets) - 1)

    def table(self) -> StringTable:
        return StringTable(
            np.frombuffer(bytes(self._text), dtype=np.uint8), np.array(self._offsets, np.int64)
        )

    def splits(self) -> Integers:
        return np.array(self._splits, dtype=np.int32)


def ragged_positions(
    splits: npt.NDArray[np.integer], rows: npt.NDArray[np.integer]
) -> npt.NDArray[np.int64]:
    """Positions of the items of ``rows`` (any order, repeats too) of a ragged array, row by row."""
    starts = splits[rows].astype(np.int64)
    lengths = splits[np.asarray(rows) + 1].astype(np.int64) - starts
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    shifts = np.repeat(starts - (ends - lengths), lengths)
    return np.asarray(np.arange(total) + shifts, dtype=np.int64)


def splits_of(sorted_rows: npt.NDArray[np.integer], row_count: int) -> Integers:
    """The splits (row_count + 1,) of items whose rows are given in ascending order."""
    counts = np.bincount(sorted_rows, minlength=row_count)
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int32)


def first_of_each(*columns: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    """Whether a row of sorted ``columns`` (rows,) differs from the row before it."""
    changed = np.zeros(len(columns[0]), dtype=bool)
    changed[:1] = True
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return changed
