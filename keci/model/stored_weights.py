"""Weights in one file, as they are or in 8 bits: of a bundle's torch stages, of an encoder.

A matrix in 8 bits is integers from -127 to 127 and, under its name with ".scales" behind it, one
scale for each of its outputs. It is widened when it is read.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from keci.errors import BundleError

_SCALES = ".scales"
_LARGEST = 127
_SMALLEST_STORED = 4096
"""Elements that a matrix must have for its storage to be worth compressing."""


def store_weights(weights: Mapping[str, Tensor], path: Path, *, in_8_bits: bool) -> None:
    """Write the weights; with ``in_8_bits`` the large matrices lose precision."""
    stored: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if in_8_bits and _is_worth_storing(weight):
            stored[name], stored[name + _SCALES] = _narrowed(weight)
        else:
            stored[name] = weight
    save_file({name: tensor.contiguous() for name, tensor in stored.items()}, path)
    path.chmod(0o644)  # safetensors makes files for their owner alone


def stored_weights(path: Path) -> dict[str, Tensor]:
    """The weights in float32; raises BundleError where the file or its numbers cannot be read."""
    try:
        stored = load_file(path)
    except (OSError, SafetensorError) as error:
        raise BundleError(f"{path} cannot be read: {error}") from error
    for name, weight in stored.items():
        if weight.is_floating_point() and not weight.isfinite().all():
            raise BundleError(f"{path}: tensor {name} has values that are no finite numbers")
    scales = {name for name in stored if name.removesuffix(_SCALES) in stored.keys() - {name}}
    return {
        name: weight.float() * stored[name + _SCALES] if name + _SCALES in scales else weight
        for name, weight in stored.items()
        if name not in scales
    }


def _is_worth_storing(weight: Tensor) -> bool:
    return weight.is_floating_point() and weight.dim() > 1 and weight.numel() >= _SMALLEST_STORED


def _narrowed(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Integers and scales whose product is close to the weight.

    Scales are those of the rows of a matrix (outputs, inputs), and of the columns of each matrix
    of a stack (relations, inputs, outputs).
    """
    axis = weight.dim() - 1 if weight.dim() == 2 else weight.dim() - 2
    scales = weight.abs().amax(axis, keepdim=True).div(_LARGEST).clamp(min=1e-12)
    return (weight / scales).round().to(torch.int8), scales
