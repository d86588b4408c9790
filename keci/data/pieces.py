"""Mentions that a file has in several pieces, taken from the first to the last."""

from collections.abc import Sequence

from keci.errors import DataError


def whole_span(pieces: Sequence[Sequence[int]]) -> tuple[int, int, bool]:
    """The span from the first piece to the last, and whether it is one piece only.

    Raises DataError where a piece is no pair of numbers, or there is none.
    """
    if not pieces or not all(_is_span(piece) for piece in pieces):
        raise DataError(f"offsets must be pairs of a start and an end, got {list(pieces)}")
    starts, ends = zip(*pieces, strict=True)
    return min(starts), max(ends), len(pieces) == 1


def _is_span(piece: Sequence[int]) -> bool:
    return len(piece) == 2 and all(type(offset) is int for offset in piece)
