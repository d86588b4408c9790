"""Runs that share encoder, architecture and knowledge base, each in a folder of its own."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from keci.batch import BatchBuilder, PreparedText
from keci.config import ModelConfig, TrainConfig
from keci.data.gold import GoldDataset
from keci.data.splits import write_ids
from keci.data.units import training_units
from keci.documents import Document, Extraction
from keci.errors import BundleError, DataError, UsageError
from keci.evaluation import Evaluation
from keci.fields import Fields
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.linking.linker import Linker
from keci.knowledge.meaning import semantic_types_of
from keci.knowledge.vocabularies import Knowledge
from keci.model.encoder import (
    TOKENIZER_FILE,
    Encoder,
    load_encoder,
    prefer_trainable_attention,
    save_architecture,
)
from keci.model.network import Network, SpanNetwork
from keci.overlaps import overlapping_types
from keci.progress import step_told
from keci.schema import TaskSchema
from keci.text.tokens import TextTokenizer
from keci.training.checkpoint import (
    ENCODER_FOLDER,
    RUN_FILE,
    RunSettings,
    State,
    check_new_or_resumed,
    drop_tensors,
    has_state,
    read_json,
    read_state,
    write_json,
)
from keci.training.lessons import NO_LESSONS, Lessons
from keci.training.run_data import Protocol, RunData
from keci.training.teachers import LoadTrained, Teachers
from keci.training.trained import load_trained
from keci.training.trainer import AfterEpoch, Trainer, TrainingData
from keci.view.run_report import REPORT_FILE, run_page

VALIDATION_IDS_FILE = "validation.ids"
SCORED_IDS_FILE = "scored.ids"
SCORES_FILE = "scores.json"
SCORED_PARTS, FIGURES = ("entity", "relation"), ("precision", "recall", "f1")


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a finished run went; ``scores`` is what its scores.json holds."""

    state: State
    scores: Mapping[str, Any]


class Experiment:
    """Runs of one architecture, encoder and knowledge base.

    Texts are tokenised and linked once for all runs of a process.
    """

    def __init__(
        self,
        schema: TaskSchema,
        encoder: str,
        model: ModelConfig,
        *,
        base: KnowledgeBase | None,
        show_progress: bool,
        lessons: Lessons = NO_LESSONS,
    ) -> None:
        """``model`` has the vocabularies and vectors of ``base`` (see ``variant_config``)."""
        self.schema = schema
        self.encoder = encoder
        self.model = model
        self.base = base
        self.show_progress = show_progress
        self.lessons = lessons
        self._unlabelled = lessons.texts()
        self._texts: dict[Document, PreparedText] = {}

    def run(
        self,
        data: RunData,
        config: TrainConfig,
        folder: Path,
        *,
        resume: bool,
        after_epoch: AfterEpoch | None = None,
    ) -> RunResult:
        """Train (or resume) a run and score its best epoch; a finished run is read again.

        Raises UsageError where ``folder`` holds a run and ``resume`` is not set, or where that run
        was started otherwise.
        """
        check_new_or_resumed(folder, resume=resume)
        folder.mkdir(parents=True, exist_ok=True)
        schema = self._observed_schema(data)
        self._write_settings(data, schema, config, folder, resume=resume)
        if not (folder / SCORES_FILE).exists():
            write_ids(folder / VALIDATION_IDS_FILE, data.validation)
            write_ids(folder / SCORED_IDS_FILE, data.scored)
            with step_told(f"loading the encoder {self.encoder}", is_shown=self.show_progress):
                trainer = self._trainer(
                    schema, config, folder, after_epoch, begins=not (resume and has_state(folder))
                )
            with step_told("linking and tokenising the texts", is_shown=self.show_progress):
                training_data = self._training_data(trainer.builder, data)
            state = trainer.fit(training_data, resume=resume)
            texts = self._prepare(trainer.builder, _documents(data.scored))
            evaluation = trainer.score_best(data.scored, texts)
            write_json(folder / SCORES_FILE, _scores(evaluation, data, state))
            (folder / REPORT_FILE).write_text(run_page(folder), "utf-8")
        drop_tensors(folder)
        return RunResult(read_state(folder), read_scores(folder))

    def _observed_schema(self, data: RunData) -> TaskSchema:
        """The schema, with what the mentions of the training documents tell of its types.

        That is which of them overlap, and which semantic types they have.
        """
        gold = [document.extraction for document in data.training.documents]
        shares = semantic_types_of(gold, Linker(self.base)) if self.base else {}
        types = self.schema.entity_types
        return replace(
            self.schema,
            overlaps=overlapping_types(gold, types),
            semantic_types={name: share for name, share in shares.items() if name in types},
        )

    def _write_settings(
        self, data: RunData, schema: TaskSchema, config: TrainConfig, folder: Path, *, resume: bool
    ) -> None:
        base = self.base
        settings = RunSettings(
            self.encoder,
            schema,
            self.model,
            config,
            {"name": base.name, "fingerprint": base.fingerprint} if base else None,
            {**data.description, **self.lessons.describe()},
            training_units(data.training, data.validation),
        )
        if resume and (folder / RUN_FILE).exists():
            changed = RunSettings.read(folder).differences(settings)
            if changed:
                raise UsageError(f"the run to resume was started with other settings: {changed}")
        settings.write(folder)

    def _trainer(
        self,
        schema: TaskSchema,
        config: TrainConfig,
        folder: Path,
        after_epoch: AfterEpoch | None,
        *,
        begins: bool,
    ) -> Trainer:
        """A trainer; only a run that ``begins`` reads the weights to start with."""
        torch.manual_seed(config.seed)
        transformer, tokenizer_json = load_encoder(
            self.encoder, attention_dropout=config.attention_dropout
        )
        prefer_trainable_attention(transformer)
        save_architecture(transformer, tokenizer_json, folder / ENCODER_FOLDER)
        encoder = Encoder(transformer, mix_layers=self.model.mix_layers)
        builder = BatchBuilder(
            TextTokenizer.from_file(folder / ENCODER_FOLDER / TOKENIZER_FILE),
            self.model,
            max_pieces=encoder.max_pieces,
            knowledge=Knowledge(self.base, self.model) if self.base else None,
        )
        load = functools.cache(functools.partial(load_trained, encoder=self.encoder))
        return Trainer(
            Network(encoder, SpanNetwork(self.model, self.schema, encoder_width=encoder.width)),
            builder,
            schema,
            config=config,
            folder=folder,
            show_progress=self.show_progress,
            after_epoch=after_epoch,
            start=self._start(load) if begins else None,
            teachers=self._open_teachers(load),
        )

    def _start(self, load: LoadTrained) -> Mapping[str, Tensor] | None:
        start = self.lessons.start
        return None if start is None else load(start).network.state_dict()

    def _open_teachers(self, load: LoadTrained) -> Teachers | None:
        if not self.lessons.teachers:
            return None
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return Teachers(self.lessons.teachers, self.schema, self.base, device, load=load)

    def _training_data(self, builder: BatchBuilder, data: RunData) -> TrainingData:
        gold: list[Extraction | None] = [item.extraction for item in data.training.documents]
        gold += [None] * len(self._unlabelled)
        texts = self._prepare(builder, [*_documents(data.training), *self._unlabelled])
        usable = [index for index, text in enumerate(texts) if len(text.spans)]
        if not usable:
            raise DataError(f"none of the {len(texts)} training documents has a candidate span")
        return TrainingData(
            [texts[index] for index in usable],
            [gold[index] for index in usable],
            data.validation,
            self._prepare(builder, _documents(data.validation)),
        )

    def _prepare(self, builder: BatchBuilder, documents: Sequence[Document]) -> list[PreparedText]:
        new = [document for document in documents if document not in self._texts]
        self._texts |= zip(new, builder.prepare(new), strict=True)
        return [self._texts[document] for document in documents]


def read_scores(folder: Path) -> Mapping[str, Any]:
    """What scores.json of a finished run holds; raises BundleError where that is something else."""
    record = read_json(folder / SCORES_FILE)
    given = Fields(record, f"{folder / SCORES_FILE}")
    try:
        if given.text("protocol") not in {protocol.value for protocol in Protocol}:
            raise given.mistake("protocol", "one of those of keci-train")
        given.text("meaning")
        given.count("documents")
        for part in SCORED_PARTS:
            for figure in FIGURES:
                given.inner(part).number(figure)
    except DataError as error:
        raise BundleError(f"{error}") from error
    return record


def _documents(dataset: GoldDataset) -> list[Document]:
    return [document.extraction.document for document in dataset.documents]


def _scores(evaluation: Evaluation, data: RunData, state: State) -> dict[str, Any]:
    return {
        "protocol": data.protocol.value,
        "meaning": data.protocol.meaning,
        "best_epoch": state.best_epoch,
        "epochs": state.epoch,
        **evaluation.to_record(),
    }
