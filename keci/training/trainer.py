"""Training: epochs over mini-batches, validation, best and last checkpoints, exact resumption."""

import csv
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor

from keci.batch import BatchBuilder, PreparedText
from keci.config import TrainConfig
from keci.data.gold import GoldDataset
from keci.documents import Extraction
from keci.errors import DataError
from keci.evaluation import Evaluation, evaluate
from keci.model.network import Network
from keci.prediction import Batching, Predictor, to_tensors
from keci.printable import printable
from keci.progress import ProgressDisplay
from keci.schema import TaskSchema
from keci.training.checkpoint import (
    BEST_FILE,
    State,
    fill_network,
    load_state,
    load_weights,
    save_state,
    write_tensors,
)
from keci.training.loss import imitation_loss, imitation_weights, total_loss
from keci.training.optimisation import Optimisation
from keci.training.report import report_epoch
from keci.training.targets import build_targets
from keci.training.teachers import Teachers

_LOGGER = logging.getLogger(__name__)
METRICS_FILE = "metrics.csv"
_POOL_BATCHES = 16


@dataclass(frozen=True, slots=True)
class EpochMetrics:
    """One line of metrics.csv; F1 in percent on the validation documents."""

    epoch: int
    loss: float
    entity_f1: float
    relation_f1: float
    strict_entity_f1: float
    strict_relation_f1: float

    @property
    def selection(self) -> float:
        """What the best epoch maximises: the sum of entity and relation F1."""
        return self.entity_f1 + self.relation_f1


AfterEpoch = Callable[[EpochMetrics], None]


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Prepared training texts with their gold annotation, and the validation documents.

    The gold annotation is None of texts of which teachers alone tell.
    """

    texts: Sequence[PreparedText]
    gold: Sequence[Extraction | None]
    validation: GoldDataset
    validation_texts: Sequence[PreparedText]


class Trainer:
    """Trains a network on prepared data and leaves its checkpoints in ``folder``."""

    def __init__(
        self,
        network: Network,
        builder: BatchBuilder,
        schema: TaskSchema,
        *,
        config: TrainConfig,
        folder: Path,
        show_progress: bool,
        after_epoch: AfterEpoch | None = None,
        start: Mapping[str, Tensor] | None = None,
        teachers: Teachers | None = None,
    ) -> None:
        """``after_epoch`` is told of each epoch once it is saved; it may end the run by raising.

        ``start`` are weights to begin with. Raises BundleError where they are another network's.
        """
        self.accelerator = Accelerator()
        self.uses_bf16 = gains_from_bf16(config)
        self.network = network.to(self.accelerator.device)
        if config.none_prior:
            self.network.spans.start_at_prior(config.none_prior)
        if start:
            fill_network(self.network, start, source="the model to start from")
        self.builder = builder
        self.schema = schema
        self.config = config
        self.folder = folder
        self.show_progress = show_progress
        self.after_epoch = after_epoch
        self.teachers = teachers

    def fit(self, data: TrainingData, *, resume: bool) -> State:
        """Train until the last epoch or until patience ends; returns the final state."""
        steps = -(-len(data.texts) // self.config.batch_size)
        optimisation = Optimisation(self.network, self.config, steps_per_epoch=steps)
        state = load_state(self.folder, self.network, optimisation) if resume else State()
        with ProgressDisplay(is_shown=self.show_progress) as progress:
            while state.epoch < self.config.epochs and not self._patience_ended(state):
                loss = self._train_epoch(state.epoch, data, optimisation, progress)
                with optimisation.average.in_use():
                    predicted = self._predict(data.validation_texts)
                    metrics = _metrics(state.epoch + 1, loss, evaluate(data.validation, predicted))
                    state = self._record(state, metrics)
                save_state(self.folder, state, self.network, optimisation)
                report_epoch(self.folder, data.validation, predicted)
                if self.after_epoch:
                    self.after_epoch(metrics)
        return state

    def _patience_ended(self, state: State) -> bool:
        patience = self.config.patience
        return bool(patience) and state.epoch - state.best_epoch >= patience

    def _train_epoch(
        self, epoch: int, data: TrainingData, optimisation: Optimisation, progress: ProgressDisplay
    ) -> float:
        """One pass over the training texts; returns the mean loss per document."""
        torch.manual_seed(self.config.seed * 10_007 + epoch)
        lengths = torch.tensor([text.token_count for text in data.texts])
        self.network.train()
        total = 0.0
        batches = list(epoch_batches(lengths, self.config.batch_size))
        last, seen = self.config.epochs, 0
        for number, indices in enumerate(batches, start=1):
            total += self._train_batch(epoch, data, indices, optimisation) * len(indices)
            seen += len(indices)
            facts = f"epoch {epoch + 1} of {last}, loss {total / seen:.2f}"
            progress.update(facts, epoch * len(batches) + number, last * len(batches))
        return total / max(len(data.texts), 1)

    def _train_batch(
        self, epoch: int, data: TrainingData, indices: list[int], optimisation: Optimisation
    ) -> float:
        texts = [data.texts[index] for index in indices]
        device = self.accelerator.device
        autocast = torch.autocast(device.type, dtype=torch.bfloat16, enabled=self.uses_bf16)
        known = self.network(to_tensors(self.builder.build(texts), device), autocast=autocast)
        with_relations = epoch >= self.config.entity_only_epochs
        targets = build_targets(texts, [data.gold[index] for index in indices], self.schema)
        targets = targets.to(device)
        loss = total_loss(known, targets, self.config, with_relations=with_relations)
        if self.teachers:
            soft = self.teachers.targets(texts, autocast)
            loss = (1 - self.config.teacher_weight) * loss + imitation_loss(
                known,
                soft,
                self.config,
                span_weights=imitation_weights(targets.entity_labels, soft, self.config),
                with_relations=with_relations,
            )
        self.accelerator.backward(loss)
        optimisation.step()
        return float(loss.detach())

    def score_best(self, gold: GoldDataset, texts: Sequence[PreparedText]) -> Evaluation:
        """The scores of the best epoch's weights on prepared documents."""
        load_weights(self.network, self.folder / BEST_FILE)
        return evaluate(gold, self._predict(texts))

    def _predict(self, texts: Sequence[PreparedText]) -> list[Extraction]:
        self.network.eval()
        predictor = Predictor(
            self.network.ordered_stages(),
            self.builder,
            self.schema,
            batching=Batching(),
            device=self.accelerator.device,
        )
        return list(predictor.predict(texts))

    def _record(self, state: State, metrics: EpochMetrics) -> State:
        _write_metrics(self.folder / METRICS_FILE, metrics)
        _LOGGER.info(
            "epoch %d: loss %.3f, validation F1 entity %.2f, relation %.2f",
            metrics.epoch, metrics.loss, metrics.entity_f1, metrics.relation_f1,
        )  # fmt: skip
        if state.best_epoch and metrics.selection <= state.best_score:
            return State(metrics.epoch, state.best_epoch, state.best_score)
        write_tensors(self.folder / BEST_FILE, self.network.state_dict())
        return State(metrics.epoch, metrics.epoch, metrics.selection)


def _metrics(epoch: int, loss: float, evaluation: Evaluation) -> EpochMetrics:
    return EpochMetrics(
        epoch,
        loss,
        evaluation.entity.f1,
        evaluation.relation.f1,
        evaluation.strict_entity.f1,
        evaluation.strict_relation.f1,
    )


def epoch_batches(lengths: Tensor, batch_size: int) -> list[list[int]]:
    """Random batches of texts of similar length, in random order, from torch's generator.

    Texts are shuffled, sorted by length inside pools of several batches, and cut, so that little
    of what the encoder reads is padding.
    """
    order = torch.randperm(len(lengths))
    batches: list[list[int]] = []
    for pool in torch.split(order, _POOL_BATCHES * batch_size):
        by_length = pool[lengths[pool].argsort(stable=True)]
        batches += [batch.tolist() for batch in torch.split(by_length, batch_size)]
    return [batches[index] for index in torch.randperm(len(batches)).tolist()]


def gains_from_bf16(config: TrainConfig) -> bool:
    """Whether the encoder trains in bfloat16: asked for, or "auto" and in the hardware."""
    if config.precision != "auto":
        return config.precision == "bf16"
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def read_metrics(folder: Path) -> list[EpochMetrics]:
    """The epochs of a run so far; none before the first."""
    path = folder / METRICS_FILE
    return [_epoch_metrics(path, row) for row in _rows(path)] if path.exists() else []


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8", errors="replace") as lines:
        try:
            return list(csv.DictReader(lines))
        except csv.Error as error:
            raise DataError(f"{path} is no table of epochs: {error}") from error


def _epoch_metrics(path: Path, row: Mapping[str, str]) -> EpochMetrics:
    try:
        epoch, *figures = (row[item.name] for item in fields(EpochMetrics))
        return EpochMetrics(int(epoch), *map(float, figures))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} is no table of epochs: {printable(repr(error))}") from error


def _write_metrics(path: Path, metrics: EpochMetrics) -> None:
    """Append a line, after dropping those of epochs that a resumed run repeats."""
    kept: list[dict[str, int | float]] = []
    if path.exists() and metrics.epoch > 1:
        earlier = (_epoch_metrics(path, row) for row in _rows(path))
        kept = [asdict(each) for each in earlier if each.epoch < metrics.epoch]
    with path.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, list(asdict(metrics)))
        writer.writeheader()
        writer.writerows([*kept, {**asdict(metrics)}])
