"""Which precision of a bundle is run, where nothing else is asked for."""

import logging
from collections.abc import Mapping
from typing import Any

from keci.errors import UsageError
from keci.runtime.bundle import Manifest
from keci.runtime.integers import INTEGER_PRECISION
from keci.runtime.providers import TENSORRT_DEVICE
from keci.runtime.threads import CPU

FP32, FP16, STORED = "fp32", "fp16", "w8"
MAX_F1_LOSS = 0.3
MAX_NEIGHBOUR_CHANGE = 1e-4
F1 = ("entity_f1", "relation_f1")

_ON_A_GPU = (FP16, STORED, FP32)
"""The fastest first. ONNX Runtime multiplies integers on CPUs alone."""

_MADE = (FP16, FP32)
"""What is made at first use from the weights of another precision, the fastest on a GPU first."""

_MADE_FROM = (FP32, STORED, INTEGER_PRECISION)
"""The ones whose weights are taken for that, the most exact first."""

_LOGGER = logging.getLogger(__name__)


def is_good_enough(facts: Mapping[str, Any]) -> bool:
    """Whether a precision was found to lose little F1, and to read a text alike in any batch."""
    changes = {f"{name}_loss": MAX_F1_LOSS for name in F1}
    changes["neighbour_change"] = MAX_NEIGHBOUR_CHANGE
    return all(facts.get(name, float("inf")) <= most for name, most in changes.items())


def chosen_precision(manifest: Manifest, wanted: str | None, device: str) -> str:
    """``wanted``, or the fastest on the device that is good enough.

    Raises UsageError where the bundle has no such precision and none can be made of what it has,
    or where TensorRT cannot read it; logs a warning where the device is not made for it.
    """
    precision = wanted or _usual(manifest, device)
    known = tuple(dict.fromkeys((*manifest.precisions, *_makeable(manifest))))
    if precision not in known:
        raise UsageError(
            f"bundle {manifest.name!r} has no precision {precision!r}, only {', '.join(known)}"
        )
    if precision == INTEGER_PRECISION and device == TENSORRT_DEVICE:
        raise UsageError(
            f"TensorRT cannot read the products of {precision}: --precision fp16 is made for it"
        )
    if precision == INTEGER_PRECISION and device != CPU:
        _LOGGER.warning(
            "the products of %s have no kernels for a GPU, so that the CPU computes most of bundle "
            "%r; --precision fp16 is made for GPUs", precision, manifest.name,
        )  # fmt: skip
    return precision


def made_from(manifest: Manifest) -> str | None:
    """The precision from whose weights others are made; None where there is none."""
    return next((name for name in _MADE_FROM if name in manifest.precisions), None)


def _makeable(manifest: Manifest) -> tuple[str, ...]:
    return _MADE if made_from(manifest) else ()


def _usual(manifest: Manifest, device: str) -> str:
    """On a GPU what was found good enough there, else what nobody found bad."""
    if device == CPU:
        return manifest.default_precision
    good = (
        name
        for name in _ON_A_GPU
        if name in manifest.precisions
        and (name == FP32 or is_good_enough(manifest.precisions[name]))
    )
    unknown = (name for name in _makeable(manifest) if name not in manifest.precisions)
    return next(good, next(unknown, manifest.default_precision))
