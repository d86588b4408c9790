"""One torch stage as one ONNX graph, its axes named as in stages.TENSORS."""

import contextlib
import io
import logging
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import onnx
import onnx_ir
import torch
from onnx import helper
from onnxscript.optimizer import fold_constants
from torch import Tensor

from keci.model.widened_graphs import drop_unused
from keci.stages import TENSORS, TorchStage

OPSET = 23
_LARGEST_FOLDED = 1 << 26
STATIC_DIMS = frozenset(
    (
        "encoder_width",
        "hidden_width",
        "span_width",
        "pair_context",
        "entity_labels",
        "relation_labels",
    )
)


def export_stage(stage: TorchStage, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write ``stage`` as an ONNX graph in one file; ``tensors`` are inputs to trace it with."""
    arguments = tuple(tensors[name] for name in stage.input_names)
    shapes = tuple(_dynamic_dims(name) for name in stage.input_names)
    with _quiet():
        torch.onnx.export(
            stage.eval(),
            arguments,
            str(path),
            input_names=list(stage.input_names),
            output_names=list(stage.output_names),
            dynamic_shapes=shapes,
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    model = _with_constants_folded(onnx.load(str(path)))
    keep_heads_in_rows(model)
    drop_origins(model)
    onnx.save(model, str(path))


def drop_origins(model: onnx.ModelProto) -> None:
    """Forget where in torch's and our code each node came from: paths of this machine, and up
    to a tenth of a small graph.
    """
    graph = model.graph
    for part in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        del part.metadata_props[:]
        part.doc_string = ""
    del model.metadata_props[:]


def _with_constants_folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with products of weights as weights, which the exporter leaves to be computed."""
    graph = onnx_ir.from_proto(model)
    fold_constants(graph, input_size_limit=_LARGEST_FOLDED, output_size_limit=_LARGEST_FOLDED)
    folded: onnx.ModelProto = onnx_ir.to_proto(graph)
    return folded


def _dynamic_dims(name: str) -> dict[int, torch.export.Dim]:
    return {
        axis: _dimension(dim)
        for axis, dim in enumerate(TENSORS[name].dims)
        if dim not in STATIC_DIMS
    }


def _dimension(name: str) -> torch.export.Dim:
    """An axis of any size; pairs come in both directions, so that their number is even."""
    return 2 * torch.export.Dim("pairs_of_spans") if name == "pairs" else torch.export.Dim(name)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's progress lines and deprecation warnings off the user's terminal."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


_SPLIT_HEADS = [0, 2, 1, 3]
_INPUTS = 3


def keep_heads_in_rows(model: onnx.ModelProto) -> None:
    """Let Attention read (rows, columns, width) in place of (rows, heads, columns, width / heads).

    The operator knows both forms, and in the first one finds the heads by itself: a Reshape and a
    Transpose less for the queries, keys, values and outputs, 5 to 7 % of an encoder's time.
    Attention whose inputs arise in another way is left alone.
    """
    graph = model.graph
    makers = {output: node for node in graph.node for output in node.output}
    users: dict[str, list[onnx.NodeProto]] = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            users[name].append(node)
    shapes = {value.name: value.type.tensor_type.shape.dim for value in graph.value_info}
    for node in graph.node:
        if node.op_type == "Attention":
            inputs = [_before_split(makers.get(name), makers) for name in node.input[:_INPUTS]]
            output = _after_join(users[node.output[0]], users)
            heads = [shapes[name][1].dim_value for name in node.input[:2] if name in shapes]
            if all(inputs) and output and len(heads) == 2 and all(heads):
                node.input[:_INPUTS] = [name for name in inputs if name]
                makers[output].output[0] = f"{output}.unused"
                node.output[0] = output
                for attribute, value in zip(("q_num_heads", "kv_num_heads"), heads, strict=True):
                    node.attribute.append(helper.make_attribute(attribute, value))
    drop_unused(graph)


def _before_split(node: onnx.NodeProto | None, makers: dict[str, onnx.NodeProto]) -> str | None:
    """What was reshaped and transposed into heads by ``node``, where it was."""
    if node is None or not _swaps_heads(node):
        return None
    reshape = makers.get(node.input[0])
    return str(reshape.input[0]) if reshape is not None and reshape.op_type == "Reshape" else None


def _after_join(
    transposes: list[onnx.NodeProto], users: dict[str, list[onnx.NodeProto]]
) -> str | None:
    """What the heads become when they are transposed and reshaped into rows, where they are."""
    if len(transposes) != 1 or not _swaps_heads(transposes[0]):
        return None
    reshapes = users[transposes[0].output[0]]
    if len(reshapes) != 1 or reshapes[0].op_type != "Reshape":
        return None
    return str(reshapes[0].output[0])


def _swaps_heads(node: onnx.NodeProto) -> bool:
    permutations = [helper.get_attribute_value(item) for item in node.attribute]
    return node.op_type == "Transpose" and permutations == [_SPLIT_HEADS]
