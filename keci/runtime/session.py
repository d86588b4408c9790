"""ONNX graphs as stages: inputs and outputs by name, shared with torch and not copied."""

from collections.abc import Mapping
from pathlib import Path

import onnxruntime as ort
import torch
from torch import Tensor

from keci.errors import BundleError, UsageError

_CUDA_PROVIDER = "CUDAExecutionProvider"
_CPU_PROVIDER = "CPUExecutionProvider"
_SLOW_ON_CPU = ["SkipLayerNormFusion"]
"""Fusions whose operator takes ten times as long on the CPU as the operators that it replaces."""


class OnnxStage:
    """One exported stage in an ONNX Runtime session."""

    def __init__(self, path: Path, *, device: torch.device, threads: int | None = None) -> None:
        """Raises BundleError where the graph does not load, UsageError where ``device`` is absent.

        ``threads`` bounds the threads of one operator; None leaves the choice to ONNX Runtime.
        """
        provider = _CUDA_PROVIDER if device.type == "cuda" else _CPU_PROVIDER
        try:
            self.session = ort.InferenceSession(
                str(path),
                sess_options=_options(threads),
                providers=[provider],
                disabled_optimizers=_SLOW_ON_CPU if provider == _CPU_PROVIDER else None,
            )
        except Exception as error:  # ONNX Runtime's errors share no narrower base
            raise BundleError(f"ONNX Runtime cannot load {path}: {error}") from error
        active = self.session.get_providers()[0]
        if active != provider:
            raise UsageError(f"ONNX Runtime offers {active} where {provider} was asked for")
        self.device = device
        self.input_names = tuple(node.name for node in self.session.get_inputs())
        self.output_names = tuple(node.name for node in self.session.get_outputs())

    def run(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The graph's outputs by name, on the device of the inputs; neither are copied."""
        binding = self.session.io_binding()
        for name in self.input_names:
            given = tensors[name].detach().contiguous()
            binding.bind_ortvalue_input(name, ort.OrtValue.from_dlpack(given))
        for name in self.output_names:
            binding.bind_output(name, self.device.type, self.device.index or 0)
        if self.device.type == "cuda":
            torch.cuda.current_stream(self.device).synchronize()
        self.session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        return dict(
            zip(self.output_names, map(torch.from_dlpack, binding.get_outputs()), strict=True)
        )


def _options(threads: int | None) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads is not None:
        options.intra_op_num_threads = threads
    return options
