"""Arithmetic on ragged axes: flat tensors with splits, no loop over documents."""

import torch
from torch import Tensor


def row_of_each(splits: Tensor, size: int) -> Tensor:
    """The row (document, node, ...) that each of ``size`` elements of a flat axis belongs to.

    ``splits`` is (rows+1,); the result is (size,).
    """
    rows = torch.arange(len(splits) - 1, device=splits.device)
    return torch.repeat_interleave(rows, splits.diff(), output_size=size)


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
