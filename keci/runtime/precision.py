"""Which precision of a bundle is run, where nothing else is asked for."""

import logging
from collections.abc import Mapping
from typing import Any

from keci.errors import UsageError
from keci.runtime.bundle import Manifest
from keci.runtime.integers import INTEGER_PRECISION
from keci.runtime.threads import CPU

FP32 = "fp32"
MAX_F1_LOSS = 0.3
MAX_NEIGHBOUR_CHANGE = 1e-4
F1 = ("entity_f1", "relation_f1")

_ON_A_GPU = ("fp16", "w8", FP32)
"""The fastest first. ONNX Runtime multiplies integers on CPUs alone."""

_LOGGER = logging.getLogger(__name__)


def is_good_enough(facts: Mapping[str, Any]) -> bool:
    """Whether a precision was found to lose little F1, and to read a text alike in any batch."""
    changes = {f"{name}_loss": MAX_F1_LOSS for name in F1}
    changes["neighbour_change"] = MAX_NEIGHBOUR_CHANGE
    return all(facts.get(name, float("inf")) <= most for name, most in changes.items())


def chosen_precision(manifest: Manifest, wanted: str | None, device: str) -> str:
    """``wanted``, or the fastest on the device that is good enough.

    Raises UsageError where the bundle has no such precision; logs a warning where the device is
    not made for it.
    """
    precision = wanted or _usual(manifest, device)
    if precision not in manifest.precisions:
        known = ", ".join(manifest.precisions)
        raise UsageError(f"bundle {manifest.name!r} has no precision {precision!r}, only {known}")
    if precision == INTEGER_PRECISION and device != CPU:
        _LOGGER.warning(
            "the products of %s have no kernels for a GPU, so that the CPU computes most of bundle "
            "%r; keci-export --precision fp16 makes one for GPUs",
            precision, manifest.name,
        )  # fmt: skip
    return precision


def _usual(manifest: Manifest, device: str) -> str:
    if device == CPU:
        return manifest.default_precision
    good = (
        name
        for name in _ON_A_GPU
        if name in manifest.precisions
        and (name == FP32 or is_good_enough(manifest.precisions[name]))
    )
    return next(good, manifest.default_precision)
