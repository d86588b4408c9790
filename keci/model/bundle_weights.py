"""The weights of a bundle, in float32 and under the names that a network in torch has for them.

Graphs name biases, embeddings and layer norms as the network does, but most matrices not. One whose
product gets a named bias belongs to that bias; the others follow in the order in which the stage
multiplies by them. What export made one matrix of is taken apart so that the product is the same.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from keci.errors import BundleError
from keci.model.network import Network
from keci.model.span_graph import SpanScorer
from keci.model.stored_weights import stored_weights
from keci.model.widened_graphs import widened

Array = npt.NDArray[Any]
Arrays = dict[str, Array]

_BY_SPAN_SCORER = ("attention", "pooled_part", "start_part", "end_part", "activation", "classifier")
"""Its parts as it multiplies by them; other stages do as they list them."""

_SPAN_OUTPUT = "pruner.span_output"
_LAYER_SCORES = "layer_scores"
_PRODUCTS = ("MatMul", "Gemm")
_MOST_NAMED = 3

_UNREAD = ".pooler."
"""In names of parameters that no stage reads, so that no graph has them."""


def bundle_weights(graphs: Path, stored: Path, network: Network) -> dict[str, Tensor]:
    """A state for ``network`` from a bundle's folder of graphs and file of stored weights.

    ``network`` has the architecture of the one that was exported; what no stage reads is left as
    it is there. The outputs of all stages are those of the graphs. Raises BundleError where the
    architecture is another.
    """
    in_torch = stored_weights(stored)
    found = {f"spans.stages.{name}": weight for name, weight in in_torch.items()}
    stages = {"encoder": network.encoder, **network.spans.stages}
    for path in sorted(graphs.glob("*.onnx")):
        stage = stages[path.stem]
        arrays = _stage_weights(_Constants(widened(path).graph), stage)
        if isinstance(stage, SpanScorer):
            _divide_output(arrays, in_torch)
        owner = "encoder" if path.stem == "encoder" else f"spans.stages.{path.stem}"
        found |= {
            f"{owner}.{name}": torch.tensor(array, dtype=torch.float32)
            for name, array in arrays.items()
        }
    parameters = dict(network.named_parameters())
    wrong = {
        name
        for name in parameters.keys() | found.keys()
        if (_UNREAD not in name and (name not in parameters or name not in found))
        or (name in found and found[name].shape != parameters[name].shape)
    }
    if wrong:
        names = ", ".join(sorted(wrong)[:_MOST_NAMED])
        raise BundleError(f"{graphs} is of another architecture, {len(wrong)} weights: {names}")
    return {**network.state_dict(), **found}


class _Product(NamedTuple):
    """A matrix (outputs, inputs) that a graph multiplies by, and the bias (outputs,) it adds."""

    name: str
    weight: Array
    bias_name: str
    bias: Array | None


class _Constants:
    """What a graph in float32 has of constants, and how it uses them."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.arrays: Mapping[str, Array] = {
            item.name: numpy_helper.to_array(item) for item in graph.initializer
        }

    def products(self) -> Iterator[_Product]:
        """In the order of the graph."""
        added = {
            given: constant
            for node in self.graph.node
            if node.op_type == "Add"
            for given, constant in (node.input, reversed(node.input))
            if constant in self.arrays
        }
        for node in self.graph.node:
            if node.op_type not in _PRODUCTS or node.input[1] not in self.arrays:
                continue
            name = node.input[2] if len(node.input) > 2 else added.get(node.output[0], "")
            weight = self.arrays[node.input[1]]
            is_turned = any(item.name == "transB" and item.i for item in node.attribute)
            yield _Product(
                node.input[1], weight if is_turned else weight.T, name, self.arrays.get(name)
            )

    def read_rows(self) -> Iterator[tuple[str, Array]]:
        """The tables of numbers whose rows are read."""
        for node in self.graph.node:
            table = self.arrays.get(node.input[0]) if node.op_type == "Gather" else None
            if table is not None and table.dtype == np.float32 and table.ndim > 1:
                yield node.input[0], table

    def factors(self) -> list[float]:
        """The numbers by which something is multiplied, in the order of the graph."""
        return [
            float(self.arrays[name])
            for node in self.graph.node
            if node.op_type == "Mul"
            for name in node.input
            if name in self.arrays and self.arrays[name].ndim == 0
        ]


def _stage_weights(constants: _Constants, stage: nn.Module) -> Arrays:
    """The parameters of a stage by name, as its graph has them."""
    parameters = dict(stage.named_parameters())
    found = {name: array for name, array in constants.arrays.items() if name in parameters}
    products = list(constants.products())
    for product in products:
        if product.bias_name in parameters:
            found[product.bias_name.removesuffix("bias") + "weight"] = product.weight
    linear = [name for name, module in stage.named_modules() if isinstance(module, nn.Linear)]
    if isinstance(stage, SpanScorer):
        linear = [name for part in _BY_SPAN_SCORER for name in linear if name.split(".")[0] == part]
    nameless = (
        product
        for product in products
        if product.name not in parameters and product.bias_name not in parameters
    )
    left = (name for name in linear if f"{name}.weight" not in found)
    for name, product in zip(left, nameless, strict=False):
        found[f"{name}.weight"] = product.weight
        if f"{name}.bias" in parameters and product.bias is not None:
            found[f"{name}.bias"] = product.bias
    if isinstance(stage, SpanScorer):
        (lengths,) = (table for name, table in constants.read_rows() if name not in parameters)
        found["lengths.weight"], found["length_part.weight"] = _halves(
            lengths, stage.lengths.embedding_dim
        )
    if _LAYER_SCORES in parameters:
        shares = constants.factors()[-len(parameters[_LAYER_SCORES]) :]
        found[_LAYER_SCORES] = np.log(shares)
    return found


def _halves(table: Array, width: int) -> tuple[Array, Array]:
    """Two matrices (rows, width), (columns, width) with ``table`` = first @ second.T."""
    left, sizes, right = np.linalg.svd(table.astype(np.float64), full_matrices=False)
    count = min(width, len(sizes))
    roots = np.sqrt(sizes[:count])
    halves = left[:, :count] * roots, right[:count].T * roots
    first, second = (np.pad(half, ((0, 0), (0, width - count))) for half in halves)
    return first, second


def _divide_output(arrays: Arrays, in_torch: Mapping[str, Tensor]) -> None:
    """Take the output layer of FFNN_g out of the first one of FFNN_e, which have been multiplied.

    V = W O and c = W b + d are in the graph, O and b in torch: W = V O^-1 and d = c - W b.
    """
    output, bias = (
        in_torch[f"{_SPAN_OUTPUT}.{part}"].double().numpy() for part in ("weight", "bias")
    )
    product = arrays.get("classifier.0.weight")
    if product is None or product.shape[1] != output.shape[1]:
        return  # another architecture, as the caller sees
    weight = np.linalg.lstsq(output.T, product.T, rcond=None)[0].T
    arrays["classifier.0.bias"] = arrays["classifier.0.bias"] - weight @ bias
    arrays["classifier.0.weight"] = weight
