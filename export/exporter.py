"""A training run as a bundle: ONNX graphs, torch graph weights, tokenizer, manifest."""

import logging
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import torch
from torch import Tensor

from keci.config import config_to_record
from keci.errors import UsageError
from keci.export.graphs import export_stage
from keci.export.parity import check_stage, probe_tensors
from keci.export.precision import PRECISIONS, convert
from keci.files import Disk, publish, whole_folder
from keci.model.stored_weights import store_weights
from keci.runtime.bundle import (
    ENCODER,
    GRAPH_FILE,
    MANIFEST_FILE,
    TOKENIZER_FILE,
    Manifest,
    describe_file,
    exported_stages,
)
from keci.runtime.extractor import torch_stages
from keci.runtime.precision import FP32
from keci.stages import TENSORS, TorchStage
from keci.training.checkpoint import ENCODER_FOLDER, LoadedRun, load_run, read_json

ADAPTATION_FILE = "keci-adaptation.json"

_LOGGER = logging.getLogger(__name__)


def export_run(
    run: Path,
    bundle: Path,
    precisions: Sequence[str],
    *,
    compact: bool = False,
    relation_odds: float = 1.0,
    judge: Callable[[Path], Manifest] | None = None,
) -> Manifest:
    """Write the bundle of a run; it appears whole, after its parity with torch was checked.

    ``compact`` stores the weights of the graph stages, which stay in torch, in 8 bits;
    ``relation_odds`` multiplies the odds of every relation. ``judge`` may change the bundle's
    folder before it appears.
    Raises UsageError where ``bundle`` exists or a precision is unknown, ParityError where a graph
    does not reproduce its torch stage.
    """
    unknown = set(precisions) - set(PRECISIONS)
    if unknown:
        raise UsageError(f"unknown precision {sorted(unknown)}; known are {', '.join(PRECISIONS)}")
    if bundle.exists():
        raise UsageError(f"{bundle} exists already; choose another folder or remove it")
    loaded = load_run(run)
    loaded.network.spans.scale_relation_odds(relation_odds)
    with whole_folder(bundle, replace=False) as partial:
        weights = torch_stages(loaded.network.spans).state_dict()
        store_weights(weights, partial / GRAPH_FILE, in_8_bits=compact)
        manifest = _write(loaded, run, partial, precisions or (FP32,), name=bundle.name)
        facts = {**manifest.training, "relation_odds": relation_odds}
        manifest = replace(manifest, training=facts)
        write_manifest(partial, manifest)
        if judge is not None:
            manifest = judge(partial)
    return manifest


def _write(
    loaded: LoadedRun, run: Path, folder: Path, precisions: Sequence[str], *, name: str
) -> Manifest:
    shutil.copyfile(run / ENCODER_FOLDER / TOKENIZER_FILE, folder / TOKENIZER_FILE)
    spans = loaded.network.spans
    stages = _named_stages(loaded)
    probes = probe_tensors(loaded)
    _export_graphs(stages, probes, folder, precisions)
    settings = loaded.settings
    manifest = Manifest(
        name=name,
        schema=settings.schema,
        model=settings.model,
        encoder_width=spans.encoder_width,
        max_pieces=loaded.max_pieces,
        knowledge_base=settings.knowledge_base,
        stages={stage: _describe_stage(module) for stage, module in stages.items()},
        precisions={precision: {} for precision in precisions},
        default_precision=precisions[0],
        training={
            "encoder": describe_encoder(settings.encoder),
            "data": dict(settings.data),
            "settings": config_to_record(settings.train),
        },
        units=settings.units,
        files={
            path.relative_to(folder).as_posix(): describe_file(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
    )
    write_manifest(folder, manifest)
    return manifest


def describe_encoder(name: str) -> str | dict[str, Any]:
    """What a bundle says of the encoder that its training began with.

    How it was adapted, where its folder tells; else its name, which of a folder is the last part.
    """
    folder = Path(name)
    adaptation = folder / ADAPTATION_FILE
    if adaptation.is_file():
        return read_json(adaptation)
    return folder.name if folder.is_dir() else name


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of the bundle in ``folder``."""
    record = orjson.dumps(manifest.to_record(), option=orjson.OPT_INDENT_2)
    publish(Disk(), folder / MANIFEST_FILE, record)


def _named_stages(loaded: LoadedRun) -> dict[str, TorchStage]:
    spans = loaded.network.spans
    names = (ENCODER, *spans.stages)
    stages = dict(zip(names, loaded.network.ordered_stages(), strict=True))
    return {name: stages[name] for name in exported_stages(spans.config)}


def _export_graphs(
    stages: dict[str, TorchStage],
    probes: Sequence[dict[str, Tensor]],
    folder: Path,
    precisions: Sequence[str],
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        for name, stage in stages.items():
            plain = Path(scratch) / f"{name}.onnx"
            with torch.no_grad():
                export_stage(stage, probes[0], plain)
            check_stage(stage, plain, probes, precision=FP32)
            for precision in precisions:
                path = folder / precision / plain.name
                path.parent.mkdir(exist_ok=True)
                convert(plain, path, precision, probes=probes)
                check_stage(stage, path, probes, precision=precision)
                _LOGGER.info("%s: %s exported, parity checked", precision, name)


def _describe_stage(stage: TorchStage) -> dict[str, Any]:
    return {
        side: {
            name: {"dtype": TENSORS[name].dtype, "dims": list(TENSORS[name].dims)} for name in names
        }
        for side, names in (("inputs", stage.input_names), ("outputs", stage.output_names))
    }
