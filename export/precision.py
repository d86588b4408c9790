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
from keci.runtime.float_graphs import to_half
from keci.runtime.integers import Weights

_SMALLEST_STORED = 4096
"""Elements that a weight must have for its storage to be worth compressing."""

_SMALLEST_TABLE = 1 << 20
"""Elements of a table that must be there for its rows to be widened when they are read.

A batch reads few rows of a vocabulary, but one of each span of a table of lengths.
"""


Numbers = npt.NDArray[np.generic]
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
    return to_half(model)


def _store_in_8_bits(model: onnx.ModelProto, _: Probes) -> onnx.ModelProto:
    """Weights stored as 8-bit integers with scales for rows and columns, arithmetic in fp32.

    ONNX Runtime widens the weights once, when it loads the graph. Large tables whose rows are read,
    the embeddings of words, stay in 8 bits: a batch widens the rows that it reads, to the same
    numbers. It saves 40 MB of memory and two thirds of the time to open MiniLM.
    """
    graph = model.graph
    widening: list[onnx.NodeProto] = []
    for weight in list(graph.initializer):
        if _is_worth_storing(weight):
            graph.initializer.remove(weight)
            stored = _Stored(weight.name)
            values: tuple[Numbers, ...] = _quantise(numpy_helper.to_array(weight))
            is_table = np.prod(weight.dims) >= _SMALLEST_TABLE
            for part, value in zip(stored.parts, values, strict=True):
                graph.initializer.append(numpy_helper.from_array(value, part))
            if not (is_table and stored.widen_read_rows(graph)):
                widening += stored.widened(stored.integers, stored.rows, weight.name)
    nodes = [*widening, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return model


class _Stored:
    """The names of a stored weight's parts, and the nodes that make numbers of them."""

    def __init__(self, weight: str) -> None:
        self.weight = weight
        self.integers, self.rows, self.columns = self.parts = (
            f"{weight}.stored", f"{weight}.rows", f"{weight}.columns"
        )  # fmt: skip

    def widened(self, integers: str, rows: str, result: str) -> list[onnx.NodeProto]:
        """Nodes that multiply the integers by both scales."""
        wide, scaled = f"{result}.wide", f"{result}.scaled"
        return [
            helper.make_node("Cast", [integers], [wide], to=TensorProto.FLOAT),
            helper.make_node("Mul", [wide, rows], [scaled]),
            helper.make_node("Mul", [scaled, self.columns], [result]),
        ]

    def widen_read_rows(self, graph: onnx.GraphProto) -> bool:
        """Widen what Gather reads, where nothing but Gather reads the weight's rows."""
        readers = [node for node in graph.node if self.weight in node.input]
        if not readers or not all(map(self._reads_rows, readers)):
            return False
        for reader in readers:
            index, result = list(graph.node).index(reader), reader.output[0]
            graph.node.remove(reader)
            integers, rows = f"{result}.stored", f"{result}.rows"
            nodes = [
                helper.make_node("Gather", [part, reader.input[1]], [row], axis=0)
                for part, row in ((self.integers, integers), (self.rows, rows))
            ]
            for node in reversed([*nodes, *self.widened(integers, rows, result)]):
                graph.node.insert(index, node)
        return True

    def _reads_rows(self, node: onnx.NodeProto) -> bool:
        axes = [helper.get_attribute_value(item) for item in node.attribute]
        is_from_rows = axes in ([], [0])
        return node.op_type == "Gather" and node.input[0] == self.weight and is_from_rows


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
"""Conversions by name: arithmetic in fp32, fp32 on weights stored in 8 bits, 8-bit matrix
products with a scale for each row of activations, half precision.
"""
