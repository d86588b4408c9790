"""Tuning: trials of settings, each in a folder of its own, and the table of them all."""

import csv
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from keci.config import TrainConfig
from keci.errors import UsageError
from keci.training.checkpoint import drop_tensors, read_json, write_json
from keci.training.crossval import RESULTS_FILE, Plan, deviation, run_series
from keci.training.experiment import Experiment
from keci.training.run_data import Protocol, RunData
from keci.training.search_space import SearchSpace, Setting
from keci.training.trainer import AfterEpoch, EpochMetrics, read_metrics

_LOGGER = logging.getLogger(__name__)
TUNE_FILE = "tune.json"
TABLE_FILE = "results.csv"


@dataclass(frozen=True, slots=True)
class Trial:
    """A setting and its validation F1 with each seed; of a pruned trial, its best epoch's."""

    number: int
    setting: Setting
    entity_f1: tuple[float, ...]
    relation_f1: tuple[float, ...]
    pruned: bool = False

    @property
    def score(self) -> float:
        """What the best setting maximises: the sum of mean entity and mean relation F1."""
        return fmean(self.entity_f1) + fmean(self.relation_f1)

    def to_record(self) -> dict[str, Any]:
        """A line of the table; deviations are those of a sample (None for a single run)."""
        return {
            "trial": self.number,
            **asdict(self.setting),
            "status": "pruned" if self.pruned else "finished",
            "runs": len(self.entity_f1),
            "entity_f1": fmean(self.entity_f1),
            "entity_f1_deviation": deviation(self.entity_f1),
            "relation_f1": fmean(self.relation_f1),
            "relation_f1_deviation": deviation(self.relation_f1),
            "score": self.score,
        }


class Tuning:
    """Trains settings on one split; their scores are validation scores, with every seed."""

    def __init__(
        self,
        experiment: Experiment,
        config: TrainConfig,
        data: RunData,
        *,
        plan: Plan,
        output: Path,
    ) -> None:
        """``plan`` has the seeds of every trial, and no folds."""
        self.experiment = experiment
        self.config = config
        self.data = data
        self.plan = plan
        self.output = output

    def start(self, method: dict[str, Any], *, resume: bool) -> None:
        """Note how settings are tried, in tune.json.

        Raises UsageError where the folder holds a tuning and ``resume`` is not set, or where that
        tuning tried settings otherwise.
        """
        path = self.output / TUNE_FILE
        record = {**method, "seeds": list(self.plan.seeds)}
        if path.exists():
            if not resume:
                raise UsageError(
                    f"{self.output} holds a tuning already: add --resume, or choose another "
                    "--output"
                )
            if (before := read_json(path)) != record:
                raise UsageError(f"the tuning to resume was started as {before}, not as {record}")
        self.output.mkdir(parents=True, exist_ok=True)
        write_json(path, record)

    def run(self, number: int, setting: Setting, *, after_epoch: AfterEpoch | None = None) -> Trial:
        """Train a setting, go on with it, or read it again; ``after_epoch`` sees the first seed."""
        values = ", ".join(f"{name} {value:g}" for name, value in asdict(setting).items())
        _LOGGER.info("trial %d: %s", number, values)
        summary = run_series(
            self.experiment,
            self.plan,
            replace(self.config, **asdict(setting)),
            self.folder(number),
            read_data=lambda _: self.data,
            resume=True,
            after_epoch=after_epoch,
        )
        entity_f1, relation_f1 = (
            tuple(summary.values(part, "f1")) for part in ("entity", "relation")
        )
        return Trial(number, setting, entity_f1, relation_f1)

    def pruned(self, number: int, setting: Setting) -> Trial:
        """A trial that was given up; it keeps its best weights only."""
        best = max(self.epochs_of(number), key=lambda metrics: metrics.selection)
        drop_tensors(self._first_run(number))
        return Trial(number, setting, (best.entity_f1,), (best.relation_f1,), pruned=True)

    def epochs_of(self, number: int) -> list[EpochMetrics]:
        """The epochs of a trial's first seed that are finished."""
        return read_metrics(self._first_run(number))

    def folder(self, number: int) -> Path:
        return self.output / f"trial-{number:03d}"

    def _first_run(self, number: int) -> Path:
        return self.folder(number) / next(self.plan.members()).name

    def write(self, trials: Sequence[Trial]) -> None:
        """Write the table of the trials so far, as results.json and results.csv."""
        records = [trial.to_record() for trial in trials]
        result = {
            "protocol": Protocol.VALIDATION.value,
            "meaning": Protocol.VALIDATION.meaning,
            "best": best_trial(trials).number,
            "trials": records,
        }
        write_json(self.output / RESULTS_FILE, result)
        with (self.output / TABLE_FILE).open("w", newline="", encoding="utf-8") as lines:
            writer = csv.DictWriter(lines, list(records[0]))
            writer.writeheader()
            writer.writerows(records)


def best_trial(trials: Sequence[Trial]) -> Trial:
    """The finished trial with the highest score, the first of equals; at least one is finished."""
    return max((trial for trial in trials if not trial.pruned), key=lambda trial: trial.score)


def tune_grid(tuning: Tuning, space: SearchSpace, *, resume: bool) -> list[Trial]:
    """Try every setting of the grid, in order; raises UsageError as ``Tuning.start``."""
    tuning.start({"method": "grid", "space": space.to_record()}, resume=resume)
    trials: list[Trial] = []
    for number, setting in enumerate(space.grid(), start=1):
        trials.append(tuning.run(number, setting))
        tuning.write(trials)
    return trials
