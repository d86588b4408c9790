"""What ONNX Runtime's providers for GPUs are told: memory, engines that are kept, ranges of shapes.

Written by the providers' documentation and public reports; no GPU has run them yet (docs/gpu.md).
"""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from platformdirs import user_cache_path

from keci.runtime.onnx_runtime import ort

CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"

_RANGES: Mapping[str, tuple[int, int, int]] = {
    "rows": (1, 128, 2048),
    "columns": (3, 64, 512),
    "tokens": (1, 8192, 16_384),
    "blocks": (1, 512, 4096),
    "spans": (1, 65_536, 327_680),
    "kept": (1, 4096, 16_384),
    "pairs": (2, 16_384, 65_536),
}
"""Smallest, usual and largest size of a graph's dimension, for batches of 8,192 word pieces."""

_VERSIONED = ("onnxruntime-gpu", "tensorrt-cu13", "torch")
_EXTRAS = {CUDA: "cuda", TENSORRT: "trt"}


def provider_options(provider: str, graph: Path) -> dict[str, str]:
    """The options of a provider for the graph of that file; none for the CPU's."""
    if provider == CUDA:
        # Else the arena doubles at every new shape, of which ragged batches have many.
        return {"arena_extend_strategy": "kSameAsRequested", "cudnn_conv_algo_search": "HEURISTIC"}
    return _tensorrt_options(graph) if provider == TENSORRT else {}


def why_absent(provider: str) -> str:
    """What a user can do about a provider that a session could not take."""
    if provider not in ort.get_available_providers():
        return (
            "this build of ONNX Runtime lacks it; pip install onnxruntime-gpu, and not onnxruntime"
        )
    return (
        f"its libraries cannot be loaded; pip install 'keci[{_EXTRAS[provider]}]' brings them, and "
        "ONNX Runtime's warning above names the one that is missing"
    )


def _tensorrt_options(graph: Path) -> dict[str, str]:
    """Engines are kept in a folder of their own for each graph, GPU and set of versions.

    ONNX Runtime's own key holds names and versions but no weights, so that a model which was
    trained again would be answered by the engines of the one before. Profiles span the shapes of
    all batches: without them an engine is built again in the middle of a run.
    """
    folder = str(user_cache_path("keci") / "tensorrt" / engine_key(graph, _gpu_name(), _versions()))
    return {
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": folder,
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": folder,
        **shape_profiles(graph),
    }


def engine_key(graph: Path, gpu: str, versions: Sequence[str]) -> str:
    """A name for the engines of a graph: another one where weights, GPU or a version differ."""
    digest = hashlib.sha256(graph.read_bytes())
    for part in (gpu, *versions):
        digest.update(b"\0" + part.encode())
    return digest.hexdigest()[:32]


def shape_profiles(graph: Path) -> dict[str, str]:
    """TensorRT's smallest, usual and largest shape of every input with an open dimension.

    A graph with a dimension that no stage has gets none.
    """
    inputs = _inputs(str(graph))
    if not all(isinstance(dim, int) or _known(dim) for _, dims in inputs for dim in dims):
        return {}
    shapes: list[list[str]] = [[], [], []]
    for name, dims in inputs:
        if all(isinstance(dim, int) for dim in dims):
            continue
        for sizes, chosen in zip(shapes, zip(*map(_range, dims), strict=True), strict=True):
            sizes.append(f"{name}:{'x'.join(map(str, chosen))}")
    names = ("trt_profile_min_shapes", "trt_profile_opt_shapes", "trt_profile_max_shapes")
    return {name: ",".join(sizes) for name, sizes in zip(names, shapes, strict=True)}


def _range(dim: int | str) -> tuple[int, int, int]:
    """The sizes of a dimension by its name in the stage table; exported pairs are ``2*...``."""
    if isinstance(dim, int):
        return dim, dim, dim
    return _RANGES[_known(dim)]


def _known(dim: str) -> str:
    """The name of the dimension in _RANGES; empty where it has none."""
    name = "pairs" if "pairs" in dim else dim
    return name if name in _RANGES else ""


@functools.cache
def _inputs(graph: str) -> tuple[tuple[str, tuple[int | str, ...]], ...]:
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return tuple((node.name, tuple(node.shape)) for node in session.get_inputs())


def _gpu_name() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "none"


def _versions() -> list[str]:
    found = []
    for name in _VERSIONED:
        try:
            found.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            continue
    return found
