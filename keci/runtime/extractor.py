"""Opening a bundle: its ONNX stages and torch stages, ready to extract."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, cast

import torch
from torch import nn

from keci.batch import BatchBuilder
from keci.errors import BundleError, UsageError
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.vocabularies import Knowledge
from keci.model.network import SpanNetwork
from keci.model.stored_weights import stored_weights
from keci.prediction import Batching, Predictor
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
from keci.runtime.pair_stages import BlockwiseStage, MentionPairsStage
from keci.runtime.precision import chosen_precision, made_from
from keci.runtime.providers import TENSORRT_DEVICE
from keci.runtime.session import OnnxStage, torch_device, use_gpu_stream
from keci.runtime.threads import CPU, ThreadPlan
from keci.stages import Stage, TorchStage
from keci.text.tokens import TextTokenizer

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RuntimeOptions:
    """How a bundle runs, on a ``device`` of session.PROVIDERS.

    ``precision`` None takes the fastest that is good enough, ``threads`` None every core,
    ``batching`` and ``pairs_at_once``, the span pairs that are scored at once, what suits the
    device. ``builds_engines`` lets TensorRT build the engines that it lacks.
    """

    precision: str | None = None
    device: str = CPU
    threads: int | None = None
    batching: Batching | None = None
    pairs_at_once: int | None = None
    builds_engines: bool = False


class BatchSizes(NamedTuple):
    """What is read at once where nothing else is asked for."""

    batching: Batching
    pairs_at_once: int

    @classmethod
    def of(cls, device: str) -> "BatchSizes":
        """On a CPU what stays in its cache; on a GPU so much that launching its kernels is little.

        A batch launches some 500 kernels, 3 to 5 ms, whatever its size; calculated, not measured.
        """
        if device == CPU:
            return cls(Batching(), pairs_at_once=4096)
        return cls(Batching(token_budget=8192), pairs_at_once=65_536)


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
    device = torch_device(options.device)
    precision = chosen_precision(manifest, options.precision, options.device)
    tokenizer = TextTokenizer.from_file(folder / TOKENIZER_FILE)
    builder = BatchBuilder(
        tokenizer,
        manifest.model,
        max_pieces=manifest.max_pieces,
        knowledge=_knowledge(manifest, base),
    )
    plan = ThreadPlan.divide(options.threads, options.device)
    with one_torch_thread():
        stages = _stages(folder, manifest, replace(options, precision=precision), plan)
    predictor = Predictor(
        stages,
        builder,
        manifest.schema,
        batching=options.batching or BatchSizes.of(options.device).batching,
        device=device,
        workers=plan.workers,
        threads_per_worker=plan.per_worker,
        on_start=use_gpu_stream if device.type == "cuda" else None,
    )
    return Extractor(manifest, precision, plan, predictor)


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Let torch compute in the calling thread alone.

    Weights are small: several threads widened them in 330 ms of processor time, most of it spent
    waiting for each other on a busy machine, and one does it in 13.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


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
        in_torch.load_state_dict(stored_weights(folder / GRAPH_FILE), strict=True)
    except RuntimeError as error:
        raise BundleError(f"{folder / GRAPH_FILE} does not fit the manifest: {error}") from error
    in_torch.eval().to(torch_device(options.device))
    if options.precision == INTEGER_PRECISION:
        use_integers(in_torch)
    graphs = _graphs(folder, manifest, cast(str, options.precision), options.device)
    exported: dict[str, Stage] = {
        name: OnnxStage(
            graphs / f"{name}.onnx",
            device=options.device,
            threads=plan.per_worker,
            builds_engines=options.builds_engines,
        )
        for name in exported_stages(manifest.model)
    }
    pairs = options.pairs_at_once or BatchSizes.of(options.device).pairs_at_once
    block = -(-pairs // 2) * 2  # both directions of a pair are scored together
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


def _graphs(folder: Path, manifest: Manifest, precision: str, device: str) -> Path:
    """The folder of the graphs, which is the bundle's own where it has what the device reads."""
    has_precision = precision in manifest.precisions
    if has_precision and device != TENSORRT_DEVICE:
        return folder / precision
    try:
        from keci.runtime.float_graphs import TENSORRT_OPSET, float_graphs
    except ImportError as error:
        raise UsageError(
            f"bundle {manifest.name!r} has no {precision} graphs for {device}, and making them "
            "needs onnx: pip install 'keci[cuda]', or onnx alone"
        ) from error
    return float_graphs(
        folder,
        manifest,
        precision,
        source=precision if has_precision else cast(str, made_from(manifest)),
        opset=TENSORRT_OPSET if device == TENSORRT_DEVICE else None,
    )


def torch_stages(network: SpanNetwork) -> nn.ModuleDict:
    """The stages of a network that stay in torch when it is exported."""
    left_out = exported_stages(network.config)
    return nn.ModuleDict(
        {name: stage for name, stage in network.stages.items() if name not in left_out}
    )
