"""Opening a bundle: its ONNX stages and torch stages, ready to extract."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from keci.batch import BatchBuilder, Knowledge
from keci.errors import BundleError, UsageError
from keci.knowledge.store import KnowledgeBase
from keci.model.network import SpanNetwork
from keci.prediction import Batching, Predictor
from keci.runtime.bundle import (
    ENCODER,
    GRAPH_FILE,
    TOKENIZER_FILE,
    Manifest,
    exported_stages,
    read_bundle,
)
from keci.runtime.session import OnnxStage
from keci.stages import Stage, TorchStage
from keci.text.tokens import TextTokenizer

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RuntimeOptions:
    """How a bundle runs; ``precision`` None takes the bundle's default."""

    precision: str | None = None
    device: str = "cpu"
    threads: int | None = None
    batching: Batching = Batching()


@dataclass(frozen=True, slots=True)
class Extractor:
    """A bundle that is ready to run: call ``predictor`` with documents that fit the encoder."""

    manifest: Manifest
    precision: str
    predictor: Predictor


def open_extractor(folder: Path, base: KnowledgeBase | None, options: RuntimeOptions) -> Extractor:
    """Open a bundle, checking all of its files.

    Without a knowledge base every span is read by its context alone. Raises BundleError where the
    bundle is damaged, UsageError where it lacks the precision or the machine lacks the device.
    """
    manifest = read_bundle(folder)
    precision = options.precision or manifest.default_precision
    if precision not in manifest.precisions:
        known = ", ".join(manifest.precisions)
        raise UsageError(f"bundle {manifest.name!r} has no precision {precision!r}, only {known}")
    device = torch.device(options.device)
    tokenizer = TextTokenizer.from_file(folder / TOKENIZER_FILE)
    builder = BatchBuilder(
        tokenizer,
        manifest.model,
        max_pieces=manifest.max_pieces,
        knowledge=_knowledge(manifest, base),
    )
    stages = _stages(folder, manifest, precision=precision, device=device, threads=options.threads)
    predictor = Predictor(
        stages, builder, manifest.schema, batching=options.batching, device=device
    )
    return Extractor(manifest, precision, predictor)


def _knowledge(manifest: Manifest, base: KnowledgeBase | None) -> Knowledge | None:
    if base is None or manifest.model.knowledge == "none":
        return None
    knowledge = Knowledge(base, manifest.model)
    absent = [table.space for table in knowledge.tables if table.is_absent]
    if absent:
        _LOGGER.warning(
            "knowledge base %s has no vectors in %d of the model's spaces, zeros stand in: %s "
            "(keci-kb embed makes them)",
            base.name, len(absent), ", ".join(absent),
        )  # fmt: skip
    unknown = [*knowledge.unknown_types, *knowledge.unknown_relations]
    if unknown:
        _LOGGER.warning(
            "knowledge base %s: the model does not know these types and relations, "
            "they are left out: %s",
            base.name, ", ".join(unknown),
        )  # fmt: skip
    return knowledge


def _stages(
    folder: Path, manifest: Manifest, *, precision: str, device: torch.device, threads: int | None
) -> list[Stage]:
    network = SpanNetwork(manifest.model, manifest.schema, encoder_width=manifest.encoder_width)
    in_torch = torch_stages(network)
    try:
        in_torch.load_state_dict(load_file(folder / GRAPH_FILE), strict=True)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise BundleError(f"{folder / GRAPH_FILE} does not fit the manifest: {error}") from error
    in_torch.eval().to(device)
    exported = {
        name: OnnxStage(folder / precision / f"{name}.onnx", device=device, threads=threads)
        for name in exported_stages(manifest.model)
    }
    return [
        exported[name] if name in exported else cast(TorchStage, in_torch[name])
        for name in (ENCODER, *network.stages)
    ]


def torch_stages(network: SpanNetwork) -> nn.ModuleDict:
    """The stages of a network that stay in torch when it is exported."""
    left_out = exported_stages(network.config)
    return nn.ModuleDict(
        {name: stage for name, stage in network.stages.items() if name not in left_out}
    )
