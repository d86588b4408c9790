"""Graphs of floating point, made at first use from those of a bundle, in its opset or a lower one.

A GPU multiplies no 8-bit integers, and TensorRT does not read the operators of opset 23. What was
made is kept in the user's cache, in a folder named by the bundle's manifest, which holds the hashes
of all of the bundle's files.
"""

import hashlib
import logging
import time
from pathlib import Path

import onnx
from onnx import inliner
from platformdirs import user_cache_path

from keci.errors import UsageError
from keci.files import whole_file, whole_folder
from keci.model.widened_graphs import widened
from keci.runtime.bundle import MANIFEST_FILE, Manifest, exported_stages
from keci.runtime.onnx_runtime import ort
from keci.runtime.precision import FP16

TENSORRT_OPSET = 20
"""TensorRT 10 fails on Attention of opset 23; layer norms and GELU are operators of this one."""

_FORM = "1"
"""Another one where the same files make other graphs than before."""

_LOGGER = logging.getLogger(__name__)


def float_graphs(
    bundle: Path, manifest: Manifest, precision: str, *, source: str, opset: int | None = None
) -> Path:
    """The folder with the graphs of a bundle in fp32 or fp16, made where they are not there yet.

    ``source`` is the precision of the bundle from whose graphs they are made, ``opset`` what they
    are written in if not their own. Processes that make them at once do the same work, and the
    first one's is kept. Raises UsageError where the cache cannot be written to.
    """
    name = precision if opset is None else f"{precision}-opset{opset}"
    folder = user_cache_path("keci") / "graphs" / _key(bundle, source) / name
    if folder.is_dir():
        return folder
    started = time.monotonic()
    try:
        with whole_folder(folder, replace=False) as partial:
            for stage in exported_stages(manifest.model):
                path = bundle / source / f"{stage}.onnx"
                model = onnx.load(str(path)) if source == precision else widened(path)
                if opset is not None:
                    model = lowered(model, opset)
                if precision == FP16 != source:
                    model = to_half(model)
                with whole_file(partial / path.name) as file:
                    file.write(model.SerializeToString())
    except OSError as error:
        if not folder.is_dir():
            raise UsageError(f"cannot write graphs to {folder}: {error}") from error
    size = sum(path.stat().st_size for path in folder.iterdir())
    _LOGGER.info(
        "made %s graphs of the %s weights of bundle %s in %.1f s and keep them: %.0f MB in %s",
        name, source, manifest.name, time.monotonic() - started, size / 1e6, folder,
    )  # fmt: skip
    return folder


def to_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """Arithmetic in half precision between fp32 inputs and outputs.

    Layer norms sum in fp32, as their operator's ``stash_type`` says.
    """
    from onnxruntime.transformers.float16 import convert_float_to_float16

    half: onnx.ModelProto = convert_float_to_float16(model, keep_io_types=True)
    return half


def lowered(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """The graph in a lower opset: Attention becomes what ONNX defines it by.

    Raises onnx's ValidationError where another operator has no such form in that opset.
    """
    plain: onnx.ModelProto = inliner.inline_selected_functions(
        model, [("", "Attention")], inline_schema_functions=True
    )
    for imported in plain.opset_import:
        if imported.domain == "":
            imported.version = min(imported.version, opset)
    onnx.checker.check_model(plain)
    return plain


def _key(bundle: Path, source: str) -> str:
    """Names the files that graphs are made from, and what makes them."""
    digest = hashlib.sha256((bundle / MANIFEST_FILE).read_bytes())
    for part in (source, _FORM, onnx.__version__, ort.__version__):
        digest.update(b"\0" + part.encode())
    return digest.hexdigest()[:32]
