"""Conversions of an exported fp32 graph to other precisions."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from keci.export.calibration import channel_ranges
from keci.export.quantisation import quantise_products
from keci.runtime.integers import Weights

_SMALLEST_STORED = 4096
"""Elements that a weight must have for its storage to be worth compressing."""


Probes = Sequence[Mapping[str, Tensor]]


def convert(source: Path, target: Path, precision: str, *, probes: Probes) -> None:
    """Write the fp32 graph ``source`` in another precision to ``target``.

    ``probes`` are inputs of the graph, on which int8 finds the ranges of channels.
    """
    onnx.save(PRECISIONS[precision](onnx.load(str(source)), probes), str(target))


def _unchanged(model: onnx.ModelProto, _: Probes) -> onnx.ModelProto:
    return model


def _to_int8(model: onnx.ModelProto, probes: Probes) -> onnx.ModelProto:
    """Matrix products on 8-bit integers; what else is stored is stored as in w8."""
    quantise_products(model, channel_ranges(model, probes))
    return _store_in_8_bits(model, probes)


def _to_half(model: onnx.ModelProto, _: Probes) -> onnx.ModelProto:
    """Arithmetic in half precision between fp32 inputs and outputs."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    half: onnx.ModelProto = convert_float_to_float16(model, keep_io_types=True)
    return half


def _store_in_8_bits(model: onnx.ModelProto, _: Probes) -> onnx.ModelProto:
    """Weights stored as 8-bit integers with scales for rows and columns, arithmetic in fp32.

    ONNX Runtime widens the weights once, when it loads the graph.
    """
    graph = model.graph
    widening = []
    for weight in list(graph.initializer):
        if _is_worth_storing(weight):
            graph.initializer.remove(weight)
            name = weight.name
            integers, *scales = _quantise(numpy_helper.to_array(weight))
            stored, rows, columns = f"{name}.stored", f"{name}.rows", f"{name}.columns"
            for part, value in ((stored, integers), (rows, scales[0]), (columns, scales[1])):
                graph.initializer.append(numpy_helper.from_array(value, part))
            wide, scaled = f"{name}.wide", f"{name}.scaled"
            widening.append(helper.make_node("Cast", [stored], [wide], to=TensorProto.FLOAT))
            widening.append(helper.make_node("Mul", [wide, rows], [scaled]))
            widening.append(helper.make_node("Mul", [scaled, columns], [name]))
    nodes = [*widening, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def _is_worth_storing(weight: onnx.TensorProto) -> bool:
    large = np.prod(weight.dims) >= _SMALLEST_STORED
    return bool(weight.data_type == TensorProto.FLOAT and len(weight.dims) == 2 and large)


def _quantise(weight: Weights) -> tuple[npt.NDArray[np.int8], Weights, Weights]:
    """Integers and scales (rows, 1) and (columns,) with ``weight`` close to their product."""
    smallest = np.finfo(np.float32).tiny
    columns = np.maximum(np.sqrt(np.square(weight).mean(axis=0)), smallest)
    level = weight / columns
    rows = np.maximum(np.abs(level).max(axis=1, keepdims=True), smallest) / 127
    return np.rint(level / rows).astype(np.int8), rows, columns


PRECISIONS: dict[str, Callable[[onnx.ModelProto, Probes], onnx.ModelProto]] = {
    "fp32": _unchanged,
    "w8": _store_in_8_bits,
    "int8": _to_int8,
    "fp16": _to_half,
}
"""Conversions by name: arithmetic in fp32, the same on weights stored in 8 bits, 8-bit matrix
products with a scale for each row of activations, half precision.
"""
