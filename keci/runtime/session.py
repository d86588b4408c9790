"""ONNX graphs as stages: inputs and outputs by name, shared with torch and not copied."""

import functools
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from keci.errors import BundleError, UsageError
from keci.runtime.onnx_runtime import ort
from keci.runtime.providers import provider_options, why_absent

PROVIDERS = {
    "cpu": ("CPUExecutionProvider",),
    "cuda": ("CUDAExecutionProvider",),
    "tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider"),
}
"""What runs the graphs on each device, what comes first being asked for."""

_SLOW_ON_CPU = ["SkipLayerNormFusion"]
"""Fusions whose operator takes ten times as long on the CPU as the operators that it replaces."""


class OnnxStage:
    """One exported stage in an ONNX Runtime session."""

    def __init__(self, path: Path, *, device: str, threads: int | None = None) -> None:
        """Raises BundleError where the graph does not load, UsageError where ``device`` is absent.

        ``threads`` bounds the threads of one operator; None leaves the choice to ONNX Runtime.
        """
        try:
            self.session = ort.InferenceSession(
                str(path),
                sess_options=_cpu_options(threads) if device == "cpu" else _options(threads),
                providers=[(name, provider_options(name, path)) for name in PROVIDERS[device]],
                disabled_optimizers=_SLOW_ON_CPU if device == "cpu" else None,
            )
        except Exception as error:  # ONNX Runtime's errors share no narrower base
            raise BundleError(f"ONNX Runtime cannot load {path}: {error}") from error
        wanted, active = PROVIDERS[device][0], self.session.get_providers()[0]
        if active != wanted:
            raise UsageError(
                f"ONNX Runtime offers {active} where {wanted} was asked for: {why_absent(wanted)}"
            )
        self.device = torch_device(device)
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
            zip(
                self.output_names,
                map(torch.utils.dlpack.from_dlpack, binding.get_outputs()),
                strict=True,
            )
        )


def torch_device(name: str) -> torch.device:
    """Where tensors lie for a device of PROVIDERS; raises UsageError where torch lacks it."""
    if name != "cpu" and not torch.cuda.is_available():
        raise UsageError(f"device {name}: torch finds no GPU")
    return torch.device("cpu" if name == "cpu" else "cuda")


def _cpu_options(threads: int | None) -> ort.SessionOptions:
    _share_memory()
    options = _options(threads)
    options.add_session_config_entry("session.use_env_allocators", "1")
    return options


@functools.cache
def _share_memory() -> None:
    """One arena for all graphs of the process, in place of one each that all grow to their peaks.

    It saves 160 MB beside two workers, and a long run finds its size early.
    """
    memory = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    ort.create_and_register_allocator(memory, None)


def _options(threads: int | None) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads is not None:
        options.intra_op_num_threads = threads
    return options
