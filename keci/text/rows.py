"""What the encoder reads at once: a text in a single row, or a longer one in overlapping rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

OVERLAP_SHARE = 4
"""Rows of a longer text share at least this part of their tokens, so that each has context."""


@dataclass(frozen=True, slots=True)
class EncoderRow:
    """The tokens ``start:end`` are read, and ``own_start:own_end`` of them are kept."""

    start: int
    end: int
    own_start: int
    own_end: int


def encoder_rows(count: int, limit: int) -> Iterator[EncoderRow]:
    """Rows of at most ``limit`` tokens, evenly spaced; each of ``count`` tokens is kept once.

    A token is kept from the row that has more of its context. A text without tokens has a row.
    """
    if count <= limit:
        yield EncoderRow(0, count, 0, count)
        return
    overlap = limit // OVERLAP_SHARE
    num_rows = -(-(count - overlap) // (limit - overlap))
    starts = [row * (count - limit) // (num_rows - 1) for row in range(num_rows)]
    cuts = [(start + before + limit) // 2 for before, start in pairwise(starts)]
    for start, own_start, own_end in zip(starts, [0, *cuts], [*cuts, count], strict=True):
        yield EncoderRow(start, start + limit, own_start, own_end)
