"""What ONNX Runtime's providers for GPUs are told: memory, stream, engines, ranges of shapes.

Written by the providers' documentation and public reports; docs/gpu.md tells what a GPU has run.
"""

import ctypes
import functools
import hashlib
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import torch
from platformdirs import user_cache_path

from keci.runtime.onnx_runtime import ort

CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
TENSORRT_DEVICE = "tensorrt"

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
_EXTRAS = {CUDA: "cuda", TENSORRT: "cuda,trt"}
_LIBRARIES = Path(ort.__file__).parent / "capi"


def provider_options(provider: str, graph: Path, *, stream: int = 0) -> dict[str, str]:
    """The options of a provider for the graph of that file; none for the CPU's.

    ``stream`` is the address of the CUDA stream that it computes in, 0 for one of its own.
    """
    own = {"user_compute_stream": f"{stream}"} if stream else {}
    if provider == CUDA:
        # Else the arena doubles at every new shape, of which ragged batches have many.
        return {
            "arena_extend_strategy": "kSameAsRequested",
            "cudnn_conv_algo_search": "HEURISTIC",
            **own,
        }
    return {**_tensorrt_options(graph), **own} if provider == TENSORRT else {}


def what_is_missing(provider: str) -> list[str]:
    """What keeps a provider for GPUs from working here, each with what brings it."""
    if provider not in ort.get_available_providers():
        missing = [f"this ONNX Runtime lacks {provider} (pip install onnxruntime-gpu alone)"]
    else:
        library = _missing_library(provider)
        brings = f"pip install 'keci[{_EXTRAS[provider]}]'"
        missing = [f"{provider} lacks {library} ({brings})"] if library else []
    if torch.version.cuda is None:
        missing.append(
            f"torch {torch.__version__} computes on CPUs alone "
            "(pip install torch --index-url https://download.pytorch.org/whl/cu130)"
        )
    elif not torch.cuda.is_available():
        missing.append("torch finds no GPU (nvidia-smi shows what the driver sees)")
    return missing


def _missing_library(provider: str) -> str:
    """The shared library that a provider is linked with and the system does not find, if any."""
    if provider == TENSORRT:
        _load_tensorrt()
    name = provider.removesuffix("ExecutionProvider").lower()
    (library,) = _LIBRARIES.glob(f"*onnxruntime_providers_{name}.*")
    # It also says which symbols of the program are missing, since nothing has opened it here.
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        wanted, _, why = str(error).partition(":")
        return wanted if "No such file" in why else ""
    return ""


@functools.cache
def _load_tensorrt() -> None:
    """Open TensorRT's libraries where pip has put them, which the system's loader does not know."""
    package = find_spec("tensorrt_libs")
    for folder in (package and package.submodule_search_locations) or ():
        for name in ("libnvinfer.so.10", "libnvonnxparser.so.10"):
            ctypes.CDLL(str(Path(folder) / name), mode=ctypes.RTLD_GLOBAL)


def engine_folder(graph: Path) -> Path:
    """Where TensorRT's engines of a graph are kept: one folder for each graph, GPU and versions.

    ONNX Runtime's own key holds names and versions but no weights, so that a model which was
    trained again would be answered by the engines of the one before.
    """
    return user_cache_path("keci") / "tensorrt" / engine_key(graph, _gpu_name(), _versions())


def has_engines(graph: Path) -> bool:
    """Whether engines of the graph were built for this GPU and these versions."""
    return any(engine_folder(graph).glob("*.engine"))


def _tensorrt_options(graph: Path) -> dict[str, str]:
    """Profiles span the shapes of all batches: without them an engine is built again in mid-run."""
    folder = str(engine_folder(graph))
    is_half = _has_halves(str(graph))
    return {
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": folder,
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": folder,
        # TensorRT refuses tensors of a precision that was not allowed.
        "trt_fp16_enable": f"{is_half}",
        "trt_layer_norm_fp32_fallback": f"{is_half}",
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


@functools.cache
def _has_halves(graph: str) -> bool:
    """Whether weights of a graph are numbers of 16 bits."""
    import onnx  # the extra that brings TensorRT's graphs has it

    kinds = {item.data_type for item in onnx.load(graph).graph.initializer}
    return onnx.TensorProto.FLOAT16 in kinds


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
