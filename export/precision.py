"""Conversions of an exported fp32 graph to other precisions."""

import logging
import shutil
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

from keci.runtime.bundle import ENCODER

PRECISIONS = ("fp32", "int8", "fp16")


def convert(source: Path, target: Path, precision: str, *, stage: str) -> None:
    """Write the fp32 graph ``source`` in another precision to ``target``.

    "int8" quantises the encoder's matrix products dynamically with one scale per output channel;
    the scoring heads stay in fp32. "fp16" computes in half precision between fp32 inputs and
    outputs.
    """
    if precision == "int8" and stage == ENCODER:
        logging.getLogger("root").setLevel(logging.ERROR)
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=["MatMul", "Gemm", "Gather"],
            per_channel=True,
            weight_type=QuantType.QInt8,
        )
    elif precision == "fp16":
        _to_half(source, target)
    else:
        shutil.copyfile(source, target)


def _to_half(source: Path, target: Path) -> None:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    half = convert_float_to_float16(onnx.load(str(source)), keep_io_types=True)
    onnx.save(half, str(target))
