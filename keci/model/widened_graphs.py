"""Graphs whose weights are 8-bit integers, as the graphs of float32 that they were made of.

What export did to a product is undone: the scales of its columns, the shares of the channels, the
channels left out, and what fixed steps after a layer norm had put into its bias. Activations are
rounded no more; the weights keep the rounding that they were stored with.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from keci.errors import BundleError

Array = npt.NDArray[Any]

_PRODUCT, _NORMALISATION, _STORED = "MatMulIntegerToFloat", "LayerNormalization", ".stored"
_BIAS = 6
"""Which of the inputs of a product is its bias; products in fixed steps alone have one."""

_CONTRIBUTED = "com.microsoft"


def widened(path: Path) -> onnx.ModelProto:
    """The graph of a file with all weights in float32; raises BundleError where it is damaged."""
    try:
        model = onnx.load(str(path), load_external_data=False)
        widen(model)
    except Exception as error:  # protobuf's errors and those of a damaged graph share no base
        raise BundleError(f"{path} cannot be widened: {error!r}") from error
    return model


def widen(model: onnx.ModelProto) -> None:
    """Put products of float32 in the place of those of integers."""
    widening = _Widening(model.graph)
    for node in model.graph.node:
        if node.op_type == _PRODUCT:
            widening.replace_product(node)
        elif node.op_type == "Mul":
            widening.replace_stored(node)
    widening.rewrite()
    drop_unused(model.graph)
    domains = [opset for opset in model.opset_import if opset.domain != _CONTRIBUTED]
    del model.opset_import[:]
    model.opset_import.extend(domains)


def drop_unused(graph: onnx.GraphProto) -> None:
    """Remove the nodes and weights that nothing reads, nodes from the last to the first."""
    needed = {output.name for output in graph.output}
    for node in reversed(list(graph.node)):
        if needed.isdisjoint(node.output):
            graph.node.remove(node)
        else:
            needed.update(node.input)
    weights = [weight for weight in graph.initializer if weight.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(weights)


class _Activations(NamedTuple):
    """What integers are rounded from: ``source * shares + offsets``, (width,) both or scalars."""

    source: str
    shares: Array
    offsets: Array


_AS_THEY_ARE = np.ones(1), np.zeros(1)


class _Widening:
    """The new nodes of a graph, by the output of the old node whose place they take."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.weights: dict[str, Array] = {
            item.name: numpy_helper.to_array(item) for item in graph.initializer
        }
        self.makers = {output: node for node in graph.node for output in node.output}
        self.readers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for node in graph.node:
            for name in node.input:
                self.readers[name].append(node)
        self.replaced: dict[str, list[onnx.NodeProto]] = {}

    def replace_product(self, node: onnx.NodeProto) -> None:
        """Replace a product, what scales its rows, and what adds the channels that it leaves out.

        x / s + z = the activations, x W + b = (x / s + z) V + (b - z V) with V = s W.
        """
        activations = self._activations(self.makers[node.input[0]].input[0])
        factor = self.weights[node.input[1]].astype(np.float64) * self.weights[node.input[3]]
        weight = factor * activations.shares[:, None]
        result = str(node.output[0])
        if len(node.input) > _BIAS:
            bias = self.weights[node.input[_BIAS]] + activations.offsets @ factor
            product = f"{result}.product"
            addition = [product, self._constant(f"{result}.bias32", bias)]
            self.replaced[result] = [
                self._multiplication(activations.source, weight, product),
                helper.make_node("Add", addition, [result]),
            ]
            return
        (scaling,) = self.readers[result]
        result = str(scaling.output[0])
        for addition in self.readers[result]:
            if self._puts_back_channels(addition, activations.source, weight):
                result = str(addition.output[0])
        self.replaced[result] = [self._multiplication(activations.source, weight, result)]

    def replace_stored(self, node: onnx.NodeProto) -> None:
        """Replace what makes numbers of a weight, or of its rows that are read, where it does."""
        scaled = self.makers.get(node.input[0])
        wide = self.makers.get(scaled.input[0]) if scaled and scaled.op_type == "Mul" else None
        if not scaled or not wide or wide.op_type != "Cast" or _STORED not in wide.input[0]:
            return
        integers, rows = str(wide.input[0]), str(scaled.input[1])
        reader = self.makers.get(integers)
        if reader is not None:
            integers, rows = str(reader.input[0]), str(self.makers[rows].input[0])
        numbers = self.weights[integers].astype(np.float32) * self.weights[rows]
        weight = self._constant(
            integers.removesuffix(_STORED), numbers * self.weights[node.input[1]]
        )
        result = str(node.output[0])
        self.replaced[result] = (
            [helper.make_node("Gather", [weight, reader.input[1]], [result], axis=0)]
            if reader is not None
            else []
        )

    def rewrite(self) -> None:
        """Give the graph its new nodes."""
        nodes = [
            new for node in self.graph.node for new in self.replaced.get(node.output[0], [node])
        ]
        del self.graph.node[:]
        self.graph.node.extend(nodes)

    def _activations(self, name: str) -> _Activations:
        maker = self.makers.get(name)
        if maker is not None and maker.op_type == _NORMALISATION:
            return self._normalised(maker)
        shares = self.weights.get(maker.input[1]) if maker and maker.op_type == "Mul" else None
        if maker is None or shares is None:
            return _Activations(name, *_AS_THEY_ARE)
        return _Activations(str(maker.input[0]), shares, np.zeros(1))

    def _normalised(self, shifted: onnx.NodeProto) -> _Activations:
        """Of a layer norm with gain g / s and bias b / s + z, the one with g and b beside it."""
        (plain,) = (
            node
            for node in self.readers[shifted.input[0]]
            if node.op_type == _NORMALISATION and node.output[0] != shifted.output[0]
        )
        gain, bias = (self.weights[name].astype(np.float64) for name in shifted.input[1:])
        own_gain = self.weights[plain.input[1]]
        own_bias = self.weights[plain.input[2]] if len(plain.input) > 2 else np.zeros_like(gain)
        shares = np.divide(gain, own_gain, out=np.ones_like(gain), where=own_gain != 0)
        return _Activations(str(plain.output[0]), shares, bias - own_bias * shares)

    def _puts_back_channels(self, node: onnx.NodeProto, source: str, weight: Array) -> bool:
        """Whether a node adds the product of channels left out, whose rows ``weight`` then gets."""
        for name in node.input if node.op_type == "Add" else ():
            product = self.makers.get(name)
            gather = self.makers.get(product.input[0]) if product else None
            if not product or not gather or product.op_type != "MatMul":
                continue
            if gather.op_type == "Gather" and gather.input[0] == source:
                weight[self.weights[gather.input[1]]] = self.weights[product.input[1]]
                return True
        return False

    def _multiplication(self, source: str, weight: Array, result: str) -> onnx.NodeProto:
        return helper.make_node(
            "MatMul", [source, self._constant(f"{result}.weight32", weight)], [result]
        )

    def _constant(self, name: str, value: Array) -> str:
        """Add a weight in float32 to the graph, once."""
        if name not in self.weights:
            self.weights[name] = value.astype(np.float32)
            self.graph.initializer.append(numpy_helper.from_array(self.weights[name], name))
        return name
