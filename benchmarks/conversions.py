"""Encoders in reduced precision that KECI does not ship, to compare its own with."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import onnx
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.matmul_nbits_quantizer import (
    DefaultWeightOnlyQuantConfig,
    MatMulNBitsQuantizer,
)
from torch import Tensor

from keci.export.precision import PRECISIONS, Probes
from keci.stages import TorchStage

Conversion = Callable[[Path, Path, Probes], None]


def conversions() -> dict[str, Conversion]:
    """By name: what writes the fp32 graph, its first argument, in another form to the second."""
    own = {name: partial(_own, name) for name in PRECISIONS if name != "fp16"}
    return {
        **own,
        "dynamic int8, one scale a batch": _dynamic,
        "static int8, min-max": _static,
        "MatMulNBits, 8 bits, block 32": partial(_blocks, 32),
        "MatMulNBits, 8 bits, block 128": partial(_blocks, 128),
    }


class HalfStage(TorchStage):
    """A torch stage whose products run in bfloat16."""

    def __init__(self, stage: TorchStage) -> None:
        super().__init__()
        self.stage = stage
        self.input_names = stage.input_names
        self.output_names = stage.output_names

    def run(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            outputs = self.stage.run(tensors)
        return {name: tensor.float() for name, tensor in outputs.items()}


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime is not annotated
    def __init__(self, probes: Probes, names: Sequence[str]) -> None:
        self._feeds = iter([{name: probe[name].numpy() for name in names} for probe in probes])

    def get_next(self) -> dict[str, Any] | None:
        return next(self._feeds, None)


def _own(precision: str, source: Path, target: Path, probes: Probes) -> None:
    onnx.save(PRECISIONS[precision](onnx.load(str(source)), probes), str(target))


def _dynamic(source: Path, target: Path, _: Probes) -> None:
    with _without_warnings():
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=["MatMul", "Gemm", "Gather"],
            per_channel=True,
            weight_type=QuantType.QInt8,
        )


def _static(source: Path, target: Path, probes: Probes) -> None:
    names = [node.name for node in onnx.load(str(source)).graph.input]
    with _without_warnings():
        quantize_static(
            source,
            target,
            _Reader(probes, names),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


def _blocks(size: int, source: Path, target: Path, _: Probes) -> None:
    config = DefaultWeightOnlyQuantConfig(
        block_size=size, is_symmetric=True, accuracy_level=4, bits=8
    )
    quantiser = MatMulNBitsQuantizer(onnx.load(str(source)), algo_config=config)
    with _without_warnings():
        quantiser.process()
    quantiser.model.save_model_to_file(str(target))


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """The quantisers log through the root logger what is intended here."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
