"""Arithmetic on ragged axes: flat tensors with splits, no loop over documents."""

import torch
from torch import Tensor


def row_of_each(splits: Tensor, size: int) -> Tensor:
    """The row (document, node, ...) that each of ``size`` elements of a flat axis belongs to.

    ``splits`` is (rows+1,); the result is (size,).
    """
    rows = torch.arange(len(splits) - 1, device=splits.device)
    return torch.repeat_interleave(rows, splits.diff(), output_size=size)


class PaddedAxis:
    """A ragged axis laid out as a table of rows with padding at their ends.

    ``padding`` (rows, columns) is True after a row's last element; the first column of an empty
    row counts as filled, so that a softmax over it is defined.

    rows - (elements,): the row that each element is in
    columns - (elements,): its column
    slots - (elements,): its index in the table, row after row
    counts - (rows,): elements of each row
    """

    def __init__(self, splits: Tensor, size: int, *, multiple: int = 1) -> None:
        """``splits`` is (rows+1,), ``size`` the number of elements.

        There are as many columns as the longest row needs, or the next ``multiple``.
        """
        self.counts = splits.diff()
        self.rows = row_of_each(splits, size)
        needed = max(int(self.counts.max()), 1)
        columns = torch.arange(-(-needed // multiple) * multiple, device=splits.device)
        self.columns = torch.arange(size, device=splits.device) - splits[self.rows]
        self.padding = columns >= self.counts.clamp(min=1)[:, None]
        self.slots = self.rows * self.padding.shape[1] + self.columns

    def pad(self, values: Tensor) -> Tensor:
        """The table with zeros at padding.

        values - (elements, width)
        Returns (rows, columns, width)
        """
        rows, columns = self.padding.shape
        table = values.new_zeros(rows * columns, values.shape[1])
        return table.index_copy(0, self.slots, values).view(rows, columns, values.shape[1])

    def unpad(self, table: Tensor) -> Tensor:
        """The elements of a table, without its padding.

        table - (rows, columns, width)
        Returns (elements, width)
        """
        return table.flatten(0, 1).index_select(0, self.slots)


def segment_softmax(scores: Tensor, rows: Tensor, row_count: int) -> Tensor:
    """Softmax of ``scores`` (elements,) within each row; ``rows`` (elements,) names the row."""
    low = scores.new_full((row_count,), float("-inf"))
    peaks = low.scatter_reduce(0, rows, scores, "amax").detach()
    weights = (scores - peaks.index_select(0, rows)).exp()
    totals = scores.new_zeros(row_count).index_add(0, rows, weights)
    return weights / totals.index_select(0, rows)


def segment_mean(values: Tensor, rows: Tensor, row_count: int) -> Tensor:
    """Mean of ``values`` (elements, width) in each row; rows without elements get zeros."""
    sums = values.new_zeros(row_count, values.shape[1]).index_add(0, rows, values)
    counts = torch.bincount(rows, minlength=row_count).clamp(min=1)
    return sums / counts[:, None]
