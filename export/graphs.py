"""One torch stage as one ONNX graph, its axes named as in stages.TENSORS."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import onnx
import torch
from torch import Tensor

from keci.export.attention import keep_heads_in_rows
from keci.stages import TENSORS, TorchStage

OPSET = 23
STATIC_DIMS = frozenset(("encoder_width", "span_width", "entity_labels", "relation_labels"))


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
    model = onnx.load(str(path))
    keep_heads_in_rows(model)
    onnx.save(model, str(path))


def _dynamic_dims(name: str) -> dict[int, torch.export.Dim]:
    return {
        axis: torch.export.Dim(dim)
        for axis, dim in enumerate(TENSORS[name].dims)
        if dim not in STATIC_DIMS
    }


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
