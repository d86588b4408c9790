"""Whether an ONNX graph does what its torch stage does: names, axes, shapes, values."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx
import torch
from torch import Tensor

from keci.errors import KeciError
from keci.export.graphs import STATIC_DIMS
from keci.runtime.session import OnnxStage
from keci.stages import TENSORS, TorchStage

TOLERANCE = {"fp32": 1e-4, "w8": 0.5, "fp16": 5e-2, "int8": 0.5}
"""Largest admitted difference, as a share of the root mean square of the torch output.

The reduced precisions are judged by their F1; the bound here catches graphs that are wrong.
"""


class ParityError(KeciError):
    """An exported graph does not reproduce its torch stage."""


def check_stage(
    stage: TorchStage, path: Path, probes: Sequence[Mapping[str, Tensor]], *, precision: str
) -> float:
    """Largest relative difference over the probes; raises ParityError beyond the tolerance."""
    graph = onnx.load(str(path)).graph
    _check_names("inputs", [node.name for node in graph.input], stage.input_names)
    _check_names("outputs", [node.name for node in graph.output], stage.output_names)
    _check_axes(graph.input)
    exported = OnnxStage(path, device="cpu")
    worst = 0.0
    for tensors in probes:
        with torch.inference_mode():
            expected = stage.run(tensors)
        for name, found in exported.run(tensors).items():
            worst = max(worst, _difference(name, found, expected[name]))
    if not worst <= TOLERANCE[precision]:
        raise ParityError(
            f"{path.name} ({precision}) differs from torch by {worst:.2g} of the output's size, "
            f"at most {TOLERANCE[precision]:.2g} is admitted"
        )
    return worst


def _check_names(side: str, found: Sequence[str], expected: Sequence[str]) -> None:
    if tuple(found) != tuple(expected):
        raise ParityError(f"graph {side} are {list(found)}, expected {list(expected)}")


def _check_axes(nodes: Sequence[onnx.ValueInfoProto]) -> None:
    for node in nodes:
        dims = node.type.tensor_type.shape.dim
        expected = TENSORS[node.name].dims
        if len(dims) != len(expected):
            raise ParityError(f"{node.name} has {len(dims)} axes, expected {expected}")
        for dim, name in zip(dims, expected, strict=True):
            if (name in STATIC_DIMS) != bool(dim.dim_value):
                kind = "fixed" if name in STATIC_DIMS else "free"
                raise ParityError(f"axis {name} of {node.name} should be {kind}, got {dim}")


def _difference(name: str, found: Tensor, expected: Tensor) -> float:
    if found.shape != expected.shape:
        raise ParityError(f"{name} has shape {list(found.shape)}, torch {list(expected.shape)}")
    if not expected.numel():
        return 0.0
    scale = expected.float().square().mean().sqrt().clamp(min=1e-6)
    return float((found.float() - expected.float()).abs().max() / scale)
