"""Opening a bundle: its ONNX stages and torch stages, ready to extract."""

import logging
import os
from dataclasses import dataclass, replace
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
from keci.runtime.blocks import BlockwiseStage
from keci.runtime.bundle import (
    ENCODER,
    FINAL_PAIR_SCORER,
    GRAPH_FILE,
    PAIRWISE_STAGES,
    TOKENIZER_FILE,
    Manifest,
    exported_stages,
    read_bundle,
)
from keci.runtime.integers import INTEGER_PRECISION, use_integers
from keci.runtime.mention_pairs import MentionPairsStage
from keci.runtime.session import OnnxStage, torch_device
from keci.stages import Stage, TorchStage
from keci.text.tokens import TextTokenizer

_LOGGER = logging.getLogger(__name__)


MAX_WORKERS = 4
"""Beyond so many the parts of a batch that hold Python's lock leave the others waiting."""


@dataclass(frozen=True, slots=True)
class RuntimeOptions:
    """How a bundle runs, on a ``device`` of session.PROVIDERS.

    ``precision`` None takes the bundle's default, ``threads`` None every core.
    """

    precision: str | None = None
    device: str = "cpu"
    threads: int | None = None
    batching: Batching = Batching()
    pairs_at_once: int = 4096
    """Span pairs that are scored at once; their hidden states, megabytes, stay in the cache."""


@dataclass(frozen=True, slots=True)
class ThreadPlan:
    """How threads are divided: ``workers`` batches at once, each operator in ``per_worker``."""

    workers: int
    per_worker: int

    @classmethod
    def divide(cls, threads: int | None, device: torch.device) -> "ThreadPlan":
        """One batch at a time on a GPU; else a worker for each thread, up to MAX_WORKERS.

        Whole batches side by side keep all cores busy through the small operators as well, which
        threads inside an operator do not.
        """
        available = threads or _usable_cores()
        workers = 1 if device.type == "cuda" else min(available, MAX_WORKERS)
        return cls(workers, max(available // workers, 1))


@dataclass(frozen=True, slots=True)
class Extractor:
    """A bundle that is ready to run: call ``predictor`` with documents that fit the encoder."""

    manifest: Manifest
    precision: str
    plan: ThreadPlan
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
    device = torch_device(options.device)
    tokenizer = TextTokenizer.from_file(folder / TOKENIZER_FILE)
    builder = BatchBuilder(
        tokenizer,
        manifest.model,
        max_pieces=manifest.max_pieces,
        knowledge=_knowledge(manifest, base),
    )
    plan = ThreadPlan.divide(options.threads, device)
    stages = _stages(folder, manifest, replace(options, precision=precision), plan)
    predictor = Predictor(
        stages,
        builder,
        manifest.schema,
        batching=options.batching,
        device=device,
        workers=plan.workers,
        threads_per_worker=plan.per_worker,
    )
    return Extractor(manifest, precision, plan, predictor)


def _usable_cores() -> int:
    """The cores that this process may use, where the system tells; else those it has."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


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
    folder: Path, manifest: Manifest, options: RuntimeOptions, plan: ThreadPlan
) -> list[Stage]:
    network = SpanNetwork(manifest.model, manifest.schema, encoder_width=manifest.encoder_width)
    in_torch = torch_stages(network)
    try:
        in_torch.load_state_dict(load_file(folder / GRAPH_FILE), strict=True)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise BundleError(f"{folder / GRAPH_FILE} does not fit the manifest: {error}") from error
    in_torch.eval().to(torch_device(options.device))
    if options.precision == INTEGER_PRECISION:
        use_integers(in_torch)
    graphs = folder / cast(str, options.precision)
    exported: dict[str, Stage] = {
        name: OnnxStage(graphs / f"{name}.onnx", device=options.device, threads=plan.per_worker)
        for name in exported_stages(manifest.model)
    }
    block = -(-options.pairs_at_once // 2) * 2  # both directions of a pair are scored together
    exported |= {
        name: BlockwiseStage(stage, "pairs", block)
        for name, stage in exported.items()
        if name in PAIRWISE_STAGES
    }
    if FINAL_PAIR_SCORER in exported:
        exported[FINAL_PAIR_SCORER] = MentionPairsStage(exported[FINAL_PAIR_SCORER])
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
