"""Matrix products of torch stages on 8-bit integers.

    x W + b  =  (q(x / row scale) Q(W / column scale)) * row scale * column scale + b

A row of activations has the scale of its own largest value, and products are summed exactly, so
that an answer does not depend on what else is in a batch.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from keci.model.concept_gcn import RelationMaps
from keci.runtime.integer_product import IntegerProduct, integer_type

INTEGER_PRECISION = "int8"
"""The precision of a bundle with which its torch stages multiply integers."""

_LARGEST = 127
_LARGEST_PAIR_SUM = 128
"""Bound of the sum of two neighbouring weights of one sign.

CPUs without VNNI add 255 times the one and 255 times the other in 16 bits, which saturate beyond.
"""
_SMALLEST_SCALE = 1e-12

Weights = npt.NDArray[np.float32]


_READ_THEIR_MAPS = (nn.MultiheadAttention, nn.TransformerEncoderLayer)
"""Modules of torch that take the weights of their linear maps in place of calling these."""


def use_integers(stages: nn.Module) -> None:
    """Let the linear maps inside ``stages`` multiply integers, in place; for inference alone."""
    for name, module in stages.named_children():
        if isinstance(module, RelationMaps) and len(module.weight):
            setattr(stages, name, IntegerRelationMaps(module))
        elif isinstance(module, nn.Linear):
            setattr(stages, name, IntegerLinear(module))
        elif not isinstance(module, _READ_THEIR_MAPS):
            use_integers(module)


class IntegerLinear(nn.Module):
    """A linear map: (..., inputs) -> (..., outputs)."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        integers, scales = quantise_columns(linear.weight.detach().T.cpu().numpy())
        device = linear.weight.device
        self.product = IntegerProduct(torch.from_numpy(integers).to(device))
        self.scales = nn.Buffer(torch.from_numpy(scales).to(device))
        self.bias = linear.bias

    def forward(self, values: Tensor) -> Tensor:
        integers, row_scales = quantise_rows(values.flatten(0, -2))
        products = self.product(integers) * row_scales
        outputs = (
            products.mul_(self.scales)
            if self.bias is None
            else torch.addcmul(self.bias, products, self.scales)
        )
        return outputs.view(*values.shape[:-1], len(self.scales))


class IntegerRelationMaps(nn.Module):
    """RelationMaps with a product for each relation and scales (relations, width)."""

    def __init__(self, maps: RelationMaps) -> None:
        super().__init__()
        quantised = [quantise_columns(matrix) for matrix in maps.weight.detach().cpu().numpy()]
        device = maps.weight.device
        self.products = nn.ModuleList(
            IntegerProduct(torch.from_numpy(integers).to(device)) for integers, _ in quantised
        )
        scales = np.stack([columns for _, columns in quantised])
        self.scales = nn.Buffer(torch.from_numpy(scales).to(device))

    def forward(self, states: Tensor, counts: list[int]) -> Tensor:
        """Shape: (rows, width) with ``counts`` rows of each relation in turn -> the same."""
        integers, row_scales = quantise_rows(states)
        blocks = zip(torch.split(integers, counts), self.products, strict=True)
        products = torch.cat([product(block) for block, product in blocks if len(block)])
        present = torch.tensor(counts, device=states.device)
        scales = self.scales.repeat_interleave(present, dim=0, output_size=len(states))
        return (products * row_scales).mul_(scales)


class QuantisedRows(NamedTuple):
    """Integers (rows, width) from -127 to 127, of ``integer_type``, and scales (rows, 1)."""

    integers: Tensor
    scales: Tensor


def quantise_rows(values: Tensor) -> QuantisedRows:
    """Shape: (rows, width)."""
    scales = values.abs().amax(1, keepdim=True).div_(_LARGEST).clamp_min_(_SMALLEST_SCALE)
    return QuantisedRows((values / scales).round_().to(integer_type(values.device)), scales)


def quantise_columns(weight: Weights) -> tuple[npt.NDArray[np.int8], Weights]:
    """Integers and one scale per column with ``weight`` (rows, columns) close to their product.

    The integers of rows 2i and 2i + 1 sum to at most 128 where they have one sign.
    """
    pairs = np.pad(weight, ((0, len(weight) % 2), (0, 0)))
    sums = [
        (np.maximum(sign * pairs[0::2], 0) + np.maximum(sign * pairs[1::2], 0)).max(axis=0)
        for sign in (1, -1)
    ]
    # Each of two integers may be rounded up by a half.
    scales = np.maximum(
        np.abs(weight).max(axis=0) / 127, np.max(sums, axis=0) / (_LARGEST_PAIR_SUM - 1)
    )
    scales = np.maximum(scales, np.finfo(np.float32).tiny).astype(np.float32)
    return np.rint(weight / scales).astype(np.int8), scales
