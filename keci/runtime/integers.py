"""Matrix products of torch stages on 8-bit integers.

    x W + b  =  (q(x / row scale) Q(W / column scale)) * row scale * column scale + b

A row of activations has the scale of its own largest value, and products are summed exactly, so
that an answer does not depend on what else is in a batch.
"""

import functools
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from keci.model.concept_gcn import RelationMaps

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
        """Shape: (rows, width) with ``counts`` rows of each relation in turn -> (rows, outputs)."""
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


_TRIAL = 256
_ROUNDS = 3


class IntegerProduct(nn.Module):
    """Integers (rows, inputs) times a ``matrix`` of integers (inputs, outputs).

    The kernel for integers gives them as int32. Where it is slow they are multiplied in fp32,
    which is exact as well: it has room for 2,064 products with the columns of
    ``quantise_columns``. Which one it is thus changes no answer.
    """

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.matrix = nn.Buffer(matrix.to(integer_type(matrix.device)))

    def forward(self, integers: Tensor) -> Tensor:
        """Shape: ``integer_type`` (rows, inputs) -> (rows, outputs)."""
        if self.matrix.dtype == torch.int8:
            return torch._int_mm(integers, self.matrix)
        return integers @ self.matrix


def integer_type(device: torch.device) -> torch.dtype:
    """What holds the integers that an IntegerProduct on ``device`` multiplies."""
    return torch.int8 if device.type == "cpu" and kernel_is_faster() else torch.float32


@functools.cache
def kernel_is_faster() -> bool:
    """Whether this CPU multiplies integers faster than floating-point numbers in torch.

    With AVX512-VNNI oneDNN does, eight times as fast; without, it has a plain loop alone, which
    takes forty times as long. No name of a CPU tells, so both are tried, for up to 0.1 s.
    """
    integers = torch.ones(_TRIAL, _TRIAL, dtype=torch.int8)
    numbers = integers.float()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several wait for each other where other work has a core
    try:
        kernel = _seconds(lambda: torch._int_mm(integers, integers))
        return kernel < _seconds(lambda: integers.float() @ numbers)
    except RuntimeError:
        return False
    finally:
        torch.set_num_threads(threads)


def _seconds(multiply: Callable[[], Tensor]) -> float:
    """The least time of a few; the first one also prepares what the others use."""
    times = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        multiply()
        times.append(time.perf_counter() - started)
    return min(times)
