"""A single training run: from files and settings to a folder with the best checkpoint."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from keci.config import VARIANTS, ModelConfig, TrainConfig
from keci.errors import UsageError
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.graph import graph_relation_names
from keci.knowledge.vectors import definitions as embedding_definitions
from keci.knowledge.vectors.folder import table_names
from keci.knowledge.vectors.table import VectorTable, open_tables
from keci.schema import TaskSchema
from keci.training.checkpoint import check_new_or_resumed
from keci.training.experiment import Experiment, RunResult
from keci.training.lessons import NO_LESSONS, Lessons
from keci.training.run_data import DataFiles, Protocol, RunData, read_run_data

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunInputs:
    """Where a run reads and writes; what ``validation`` lacks is split off ``train``."""

    schema: TaskSchema
    train: Path
    validation: Path | None
    encoder: str
    base: KnowledgeBase | None
    output: Path
    vectors: tuple[str, ...] | None = None
    """Names of the base's vector tables to read; None takes all that it has."""
    test: Path | None = None
    """Documents to score; without them the validation documents are scored."""
    protocol: Protocol = Protocol.CLEAN
    """Whether ``test`` also chooses the epoch."""
    lessons: Lessons = NO_LESSONS

    def read_data(self, config: TrainConfig) -> RunData:
        files = DataFiles(self.train, self.validation, self.test)
        return read_run_data(files, self.schema, config, protocol=self.protocol)


def train_run(
    inputs: RunInputs,
    model: ModelConfig,
    config: TrainConfig,
    *,
    resume: bool,
    show_progress: bool,
) -> RunResult:
    """Train (or resume) a run on a single split and score its best epoch.

    ``model`` is what the variant of ``config`` then changes. Raises UsageError where the variant
    needs a knowledge base and none is given, or where a resumed run was started otherwise.
    """
    experiment = open_experiment(inputs, model, config.variant, show_progress=show_progress)
    check_new_or_resumed(inputs.output, resume=resume)
    return experiment.run(inputs.read_data(config), config, inputs.output, resume=resume)


def open_experiment(
    inputs: RunInputs, model: ModelConfig, variant: str, *, show_progress: bool
) -> Experiment:
    """What runs of one variant share; raises UsageError where it lacks a knowledge base."""
    return Experiment(
        inputs.schema,
        inputs.encoder,
        variant_config(model, variant, inputs.base, vectors=inputs.vectors),
        base=inputs.base,
        show_progress=show_progress,
        lessons=inputs.lessons,
    )


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
