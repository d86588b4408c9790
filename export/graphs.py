"""One torch stage as one ONNX graph, its axes named as in stages.TENSORS."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import onnx
import onnx_ir
import torch
from onnxscript.optimizer import fold_constants
from torch import Tensor

from keci.export.attention import keep_heads_in_rows
from keci.stages import TENSORS, TorchStage

OPSET = 23
_LARGEST_FOLDED = 1 << 26
STATIC_DIMS = frozenset(
    ("encoder_width", "hidden_width", "span_width", "entity_labels", "relation_labels")
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
    onnx.save(model, str(path))


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
