"""Exact products of 8-bit integers, by the faster of the two means that a machine has."""

import functools
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

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
