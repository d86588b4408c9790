"""The model that keci-extract runs, and what a run's manifest says of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keci.errors import UsageError

if TYPE_CHECKING:
    from keci.prediction import Predictor

VERSIONED = (
    "keci", "numpy", "nupunkt", "onnxruntime", "onnxruntime-gpu", "orjson", "tokenizers", "torch",
)  # fmt: skip
"""Packages whose version may change an answer or its bytes."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """What the user asked for."""

    model: str
    kb: Path | None
    without_kb: bool
    precision: str | None
    device: str
    threads: int | None


@dataclass(frozen=True, slots=True)
class OpenedModel:
    """A model ready to run; ``description`` names it, its knowledge base and the versions."""

    predictor: "Predictor"
    description: Mapping[str, Any]


def open_model(choice: ModelChoice) -> OpenedModel:
    """Raises UsageError or BundleError where the model or its knowledge base cannot be opened."""
    import torch

    from keci.cli.models import base_for_bundle, find_bundle
    from keci.runtime.bundle import MANIFEST_FILE, describe_file
    from keci.runtime.extractor import RuntimeOptions, open_extractor

    if choice.kb and choice.without_kb:
        raise UsageError("--kb and --no-kb exclude each other")
    if choice.threads:
        torch.set_num_threads(choice.threads)
    folder = find_bundle(choice.model)
    base = base_for_bundle(folder, choice.kb, without_kb=choice.without_kb)
    options = RuntimeOptions(
        precision=choice.precision, device=choice.device, threads=choice.threads
    )
    extractor = open_extractor(folder, base, options)
    model = {
        "name": extractor.manifest.name,
        "manifest_sha256": describe_file(folder / MANIFEST_FILE).sha256,
        "precision": extractor.precision,
        "device": choice.device,
        "threads": choice.threads,
    }
    knowledge = {"name": base.name, "fingerprint": base.fingerprint} if base else None
    description = {"model": model, "knowledge_base": knowledge, "versions": dict(_versions())}
    return OpenedModel(extractor.predictor, description)


def _versions() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name in VERSIONED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # one of the two ONNX Runtimes is never there
            continue
    return found
