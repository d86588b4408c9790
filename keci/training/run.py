"""A whole training run: from files and settings to a folder with the best checkpoint."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from keci.batch import BatchBuilder, Knowledge
from keci.config import VARIANTS, ModelConfig, TrainConfig
from keci.errors import DataError, UsageError
from keci.knowledge import embedding_definitions
from keci.knowledge.background import graph_relation_names
from keci.knowledge.store import KnowledgeBase
from keci.knowledge.vector_folder import table_names
from keci.knowledge.vector_table import VectorTable, open_tables
from keci.model.encoder import Encoder, load_encoder, save_architecture
from keci.model.network import Network, SpanNetwork
from keci.schema import TaskSchema
from keci.text.tokens import TextTokenizer
from keci.text.words import find_words
from keci.training.checkpoint import ENCODER_FOLDER, RunSettings
from keci.training.datasets import load_dataset, off_boundary_mentions
from keci.training.gold import GoldDataset
from keci.training.progress import State, check_new_or_resumed
from keci.training.splits import split_validation
from keci.training.trainer import Trainer, TrainingData

_LOGGER = logging.getLogger(__name__)
VALIDATION_IDS_FILE = "validation.ids"


@dataclass(frozen=True, slots=True)
class RunInputs:
    """Where a run reads and writes; without ``validation`` a part of ``train`` is split off."""

    schema: TaskSchema
    train: Path
    validation: Path | None
    encoder: str
    base: KnowledgeBase | None
    output: Path
    vectors: tuple[str, ...] | None = None
    """Names of the base's vector tables to read; None takes all that it has."""


def train_run(
    inputs: RunInputs,
    model: ModelConfig,
    config: TrainConfig,
    *,
    resume: bool,
    show_progress: bool,
) -> State:
    """Train (or resume) a run and return its final state.

    ``model`` is what the variant of ``config`` then changes. Raises UsageError where the variant
    needs a knowledge base and none is given, or where a resumed run was started otherwise.
    """
    model = variant_config(model, config.variant, inputs.base, vectors=inputs.vectors)
    check_new_or_resumed(inputs.output, resume=resume)
    inputs.output.mkdir(parents=True, exist_ok=True)
    training, validation = _datasets(inputs, config)
    _write_settings(inputs, model, config, resume=resume)
    ids = "".join(f"{document.id}\n" for document in validation.documents)
    (inputs.output / VALIDATION_IDS_FILE).write_text(ids, "utf-8")
    torch.manual_seed(config.seed)
    transformer, tokenizer_json = load_encoder(inputs.encoder)
    save_architecture(transformer, tokenizer_json, inputs.output / ENCODER_FOLDER)
    encoder = Encoder(transformer, mix_layers=model.mix_layers)
    network = Network(encoder, SpanNetwork(model, inputs.schema, encoder_width=encoder.width))
    builder = BatchBuilder(
        TextTokenizer.from_file(inputs.output / ENCODER_FOLDER / "tokenizer.json"),
        model,
        max_pieces=encoder.max_pieces,
        knowledge=Knowledge(inputs.base, model) if inputs.base else None,
    )
    trainer = Trainer(
        network,
        builder,
        inputs.schema,
        config=config,
        folder=inputs.output,
        show_progress=show_progress,
    )
    return trainer.fit(_prepare(builder, training, validation), resume=resume)


def variant_config(
    model: ModelConfig,
    variant: str,
    base: KnowledgeBase | None,
    *,
    vectors: Sequence[str] | None = None,
) -> ModelConfig:
    """The architecture of a variant, with vocabularies and vectors of the base it reads.

    ``vectors`` names the base's tables to read; None takes all that it has.
    """
    varied = replace(model, **VARIANTS[variant])
    if varied.knowledge == "none":
        return varied
    if base is None:
        raise UsageError(f"variant {variant!r} needs a knowledge base: give --kb")
    tables = _vector_tables(varied, base, vectors)
    return replace(
        varied,
        semantic_types=base.type_codes,
        graph_relations=graph_relation_names(base, shared_neighbours=varied.shared_neighbours),
        vector_spaces=tuple(table.space for table in tables),
        vector_widths=tuple(table.width for table in tables),
    )


def _vector_tables(
    model: ModelConfig, base: KnowledgeBase, names: Sequence[str] | None
) -> list[VectorTable]:
    """The named tables of a base, or all, less the kinds that the model is to do without."""
    if base.folder is None:
        return []
    chosen = table_names(base.folder) if names is None else names
    wanted = {embedding_definitions.KIND: model.use_definitions}
    tables = [
        table
        for table in open_tables(base.folder, base, chosen)
        if wanted.get(table.manifest.kind, model.use_vectors)
    ]
    for table in tables:
        manifest = table.manifest
        _LOGGER.info("vectors %r: %s, width %d", manifest.name, manifest.kind, manifest.width)
    return tables


def _datasets(inputs: RunInputs, config: TrainConfig) -> tuple[GoldDataset, GoldDataset]:
    dataset = load_dataset(inputs.train, inputs.schema)
    off_boundary_mentions(dataset, find_words)
    if inputs.validation:
        training, validation = dataset, load_dataset(inputs.validation, inputs.schema)
    else:
        training, validation = split_validation(
            dataset, fraction=config.validation_share, seed=config.split_seed
        )
    if not training.documents or not validation.documents:
        raise DataError(f"{inputs.train} is too small to leave training and validation documents")
    _LOGGER.info(
        "%d training and %d validation documents",
        len(training.documents), len(validation.documents),
    )  # fmt: skip
    return training, validation


def _write_settings(
    inputs: RunInputs, model: ModelConfig, config: TrainConfig, *, resume: bool
) -> None:
    base = inputs.base
    settings = RunSettings(
        inputs.encoder,
        inputs.schema,
        model,
        config,
        {"name": base.name, "fingerprint": base.fingerprint} if base else None,
        _describe_data(inputs, config),
    )
    if resume and (inputs.output / "run.json").exists():
        changed = _differences(RunSettings.read(inputs.output), settings)
        if changed:
            raise UsageError(f"the run to resume was started with other settings: {changed}")
    settings.write(inputs.output)


def _describe_data(inputs: RunInputs, config: TrainConfig) -> dict[str, str]:
    """Names and hashes of the data, so that a run is not resumed on other ones."""
    files = {"train": inputs.train, "validation": inputs.validation}
    hashes = {
        f"{part}_sha256": hashlib.sha256(path.read_bytes()).hexdigest()
        for part, path in files.items()
        if path
    }
    names = {"train": inputs.train.name, "validation": _validation_name(inputs, config)}
    return {**names, **hashes}


def _validation_name(inputs: RunInputs, config: TrainConfig) -> str:
    if inputs.validation:
        return inputs.validation.name
    return f"{config.validation_share:g} of {inputs.train.name}"


def _differences(before: RunSettings, now: RunSettings) -> str:
    fields: Mapping[str, tuple[object, object]] = {
        "encoder": (before.encoder, now.encoder),
        "schema": (before.schema, now.schema),
        "model": (before.model, now.model),
        "train": (before.train, now.train),
        "knowledge base": (before.knowledge_base, now.knowledge_base),
        "data": (before.data, now.data),
    }
    return "; ".join(
        f"{name}: {old} became {new}" for name, (old, new) in fields.items() if old != new
    )


def _prepare(builder: BatchBuilder, training: GoldDataset, validation: GoldDataset) -> TrainingData:
    gold = [document.extraction for document in training.documents]
    texts = builder.prepare([extraction.document for extraction in gold])
    usable = [place for place, text in enumerate(texts) if len(text.spans)]
    if not usable:
        raise DataError(f"none of the {len(texts)} training documents has a candidate span")
    return TrainingData(
        [texts[place] for place in usable],
        [gold[place] for place in usable],
        validation,
        builder.prepare([document.extraction.document for document in validation.documents]),
    )
