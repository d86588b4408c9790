"""ONNX graphs as stages: inputs and outputs by name, shared with torch and not copied."""

import functools
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from keci.errors import BundleError, UsageError
from keci.runtime.onnx_runtime import ort
from keci.runtime.providers import (
    CUDA,
    TENSORRT,
    TENSORRT_DEVICE,
    has_engines,
    provider_options,
    what_is_missing,
)

PROVIDERS = {
    "cpu": ("CPUExecutionProvider",),
    "cuda": (CUDA,),
    TENSORRT_DEVICE: (TENSORRT, CUDA),
}
"""What runs the graphs on each device, what comes first being asked for."""

_SLOW_ON_CPU = ["SkipLayerNormFusion"]
"""Fusions whose operator takes ten times as long on the CPU as the operators that it replaces."""


class OnnxStage:
    """One exported stage in an ONNX Runtime session."""

    def __init__(
        self, path: Path, *, device: str, threads: int | None = None, builds_engines: bool = False
    ) -> None:
        """Raises BundleError where the graph does not load, UsageError where ``device`` is absent.

        ``threads`` bounds the threads of one operator; None leaves the choice to ONNX Runtime.
        ``builds_engines`` lets TensorRT build what it has no engine for, which takes minutes; else
        that is a UsageError.
        """
        self.device = torch_device(device)
        if device == TENSORRT_DEVICE and not builds_engines and not has_engines(path):
            raise UsageError(
                f"TensorRT has no engine of {path} for this GPU and these versions: "
                "'keci-extract warm-up' with the same --model and --precision builds it"
            )
        stream = gpu_stream() if self.device.type == "cuda" else None
        address = stream.cuda_stream if stream else 0
        try:
            self.session = ort.InferenceSession(
                str(path),
                sess_options=_cpu_options(threads) if device == "cpu" else _options(threads),
                providers=[
                    (name, provider_options(name, path, stream=address))
                    for name in PROVIDERS[device]
                ],
                disabled_optimizers=_SLOW_ON_CPU if device == "cpu" else None,
            )
        except Exception as error:  # ONNX Runtime's errors share no narrower base
            raise BundleError(f"ONNX Runtime cannot load {path}: {error}") from error
        wanted, active = PROVIDERS[device][0], self.session.get_providers()[0]
        if active != wanted:
            raise UsageError(f"ONNX Runtime offers {active} where {wanted} was asked for")
        self._inputs = {node.name: node.shape for node in self.session.get_inputs()}
        self._outputs = {node.name: node.shape for node in self.session.get_outputs()}
        self.input_names, self.output_names = tuple(self._inputs), tuple(self._outputs)
        self._has_fixed_rows = all(
            isinstance(size, int) for shape in self._outputs.values() for size in shape[1:]
        )

    def run(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The graph's outputs by name, on the device of the inputs; neither are copied.

        In the stream of ``use_gpu_stream`` a GPU is only given the work; in another one of torch's
        the caller waits until it is done.
        """
        if self._has_nothing_to_do(tensors):
            return {
                name: torch.empty((0, *shape[1:]), device=self.device)
                for name, shape in self._outputs.items()
            }
        binding = self.session.io_binding()
        for name in self.input_names:
            given = tensors[name].detach().contiguous()
            binding.bind_ortvalue_input(name, ort.OrtValue.from_dlpack(given))
        for name in self.output_names:
            binding.bind_output(name, self.device.type, self.device.index or 0)
        if self.device.type == "cpu":
            self.session.run_with_iobinding(binding)
        elif torch.cuda.current_stream(self.device) == gpu_stream():
            self.session.run_with_iobinding(binding, _without_waiting())
        else:
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

    def _has_nothing_to_do(self, tensors: Mapping[str, Tensor]) -> bool:
        """Whether no output has a row: sizes of none are beyond the profiles of TensorRT.

        A graph whose outputs have other sizes that are not fixed is run to tell them.
        """
        if not self._has_fixed_rows:
            return False
        sizes = {
            dim: size
            for name, shape in self._inputs.items()
            for dim, size in zip(shape, tensors[name].shape, strict=True)
        }
        return all(shape and sizes.get(shape[0]) == 0 for shape in self._outputs.values())


def torch_device(name: str) -> torch.device:
    """Where tensors lie for a device of PROVIDERS.

    Raises UsageError where the machine lacks what the device needs, and tells what brings it.
    """
    if name == "cpu":
        return torch.device("cpu")
    missing = list(
        dict.fromkeys(each for item in PROVIDERS[name] for each in what_is_missing(item))
    )
    if missing:
        raise UsageError(f"device {name} cannot be used: {'; '.join(missing)}")
    return torch.device("cuda")


@functools.cache
def gpu_stream() -> torch.cuda.Stream:
    """The CUDA stream of all stages, so that none has to wait for the one before.

    torch's usual one has the address 0, which ONNX Runtime takes for none.
    """
    return torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch has no type for it


def use_gpu_stream() -> None:
    """Let what torch computes in this thread belong to ``gpu_stream``."""
    torch.cuda.set_stream(gpu_stream())


@functools.cache
def _without_waiting() -> ort.RunOptions:
    options = ort.RunOptions()
    options.add_run_config_entry("disable_synchronize_execution_providers", "1")
    return options


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
