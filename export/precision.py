"""Conversions of an exported fp32 graph to other precisions."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.float16 import convert_float_to_float16

from keci.runtime.bundle import ENCODER

_SMALLEST_STORED = 4096
"""Elements that a weight must have for its storage to be worth compressing."""


def convert(source: Path, target: Path, precision: str, *, stage: str) -> None:
    """Write the fp32 graph ``source`` in another precision to ``target``."""
    if precision == "int8" and stage != ENCODER:
        precision = "fp32"
    PRECISIONS[precision](source, target)


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _to_int8(source: Path, target: Path) -> None:
    """Matrix products on 8-bit activations, one scale for a whole batch of them."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # the quantiser warns through the root logger of what is intended
    try:
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=["MatMul", "Gemm", "Gather"],
            per_channel=True,
            weight_type=QuantType.QInt8,
        )
    finally:
        root.setLevel(level)


def _to_half(source: Path, target: Path) -> None:
    """Arithmetic in half precision between fp32 inputs and outputs."""
    onnx.save(convert_float_to_float16(onnx.load(str(source)), keep_io_types=True), str(target))


def _store_in_8_bits(source: Path, target: Path) -> None:
    """Weights stored as 8-bit integers with a scale for each row, arithmetic in fp32.

    ONNX Runtime widens the weights once, when it loads the graph.
    """
    model = onnx.load(str(source))
    graph = model.graph
    widening = []
    for weight in list(graph.initializer):
        if weight.data_type == TensorProto.FLOAT and np.prod(weight.dims) >= _SMALLEST_STORED:
            values, scales = _quantise_rows(numpy_helper.to_array(weight))
            stored, scale = f"{weight.name}.stored", f"{weight.name}.scale"
            graph.initializer.remove(weight)
            graph.initializer.append(numpy_helper.from_array(values, stored))
            graph.initializer.append(numpy_helper.from_array(scales, scale))
            wide = f"{weight.name}.wide"
            widening.append(helper.make_node("Cast", [stored], [wide], to=TensorProto.FLOAT))
            widening.append(helper.make_node("Mul", [wide, scale], [weight.name]))
    nodes = [*widening, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.save(model, str(target))


def _quantise_rows(
    weight: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Integers and scales with ``weight`` close to their product; one scale per first index."""
    axes = tuple(range(1, weight.ndim))
    peaks = np.abs(weight).max(axis=axes, keepdims=True)
    scales = np.maximum(peaks, np.finfo(np.float32).tiny) / 127
    return np.rint(weight / scales).astype(np.int8), scales.astype(np.float32)


PRECISIONS: dict[str, Callable[[Path, Path], None]] = {
    "fp32": _copy,
    "w8": _store_in_8_bits,
    "int8": _to_int8,
    "fp16": _to_half,
}
"""Conversions by name: arithmetic in fp32, the same on weights stored in 8 bits, 8-bit matrix
products (of the encoder alone), half precision.
"""
