"""Cross-validation and repeated runs: a folder for each run, and their means and deviations."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from keci.config import TrainConfig
from keci.errors import UsageError
from keci.training.checkpoint import RunSettings, check_new_or_resumed, write_json
from keci.training.experiment import (
    FIGURES,
    SCORED_PARTS,
    SCORES_FILE,
    Experiment,
    read_scores,
)
from keci.training.run_data import Protocol, RunData
from keci.training.trainer import AfterEpoch

_LOGGER = logging.getLogger(__name__)
RESULTS_FILE = "results.json"
_SHARED_DATA = ("protocol", "folds")


@dataclass(frozen=True, slots=True)
class Member:
    """A run of a series: its folder's name, its fold (0 where there are none) and its seed."""

    name: str
    fold: int
    seed: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The runs of a series: every fold (none where ``folds`` is 0) with every seed."""

    folds: int
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.folds < 0 or self.folds == 1 or not self.seeds:
            raise UsageError(
                "a series has no folds or at least 2, and at least one seed; got "
                f"{self.folds} folds and {len(self.seeds)} seeds"
            )

    def members(self) -> Iterator[Member]:
        """The runs, fold by fold; where a series has but one, that has no name of its own."""
        for fold in range(1, self.folds + 1) if self.folds else (0,):
            for seed in self.seeds:
                names = [f"fold-{fold:02d}"] if fold else []
                names += [f"seed-{seed}"] if len(self.seeds) > 1 else []
                yield Member("/".join(names), fold, seed)


@dataclass(frozen=True, slots=True)
class Summary:
    """What the finished runs of a series scored, in the order of the plan; at least one."""

    plan: Plan
    scores: Mapping[Member, Mapping[str, Any]]

    @property
    def missing(self) -> list[str]:
        """The names of the runs that are not finished."""
        return [member.name for member in self.plan.members() if member not in self.scores]

    @property
    def protocol(self) -> Protocol:
        return Protocol(next(iter(self.scores.values()))["protocol"])

    def values(self, part: str, figure: str) -> list[float]:
        """A figure ("f1") of a part ("entity"): the mean of each fold, or else of each seed."""
        groups: dict[tuple[int, int], list[float]] = {}
        for member, scores in self.scores.items():
            group = (member.fold, 0) if member.fold else (0, member.seed)
            groups.setdefault(group, []).append(scores[part][figure])
        return [fmean(values) for values in groups.values()]

    def to_record(self) -> dict[str, Any]:
        """The stable json form: percentages, deviations of a sample (null for a single value)."""
        return {
            "protocol": self.protocol.value,
            "meaning": self.protocol.meaning,
            "folds": self.plan.folds,
            "seeds": list(self.plan.seeds),
            "missing": self.missing,
            "over": "folds" if self.plan.folds else "seeds",
            **{part: self._statistics(part) for part in SCORED_PARTS},
            "runs": [
                {"run": member.name, "fold": member.fold or None, "seed": member.seed, **scores}
                for member, scores in self.scores.items()
            ],
        }

    def _statistics(self, part: str) -> dict[str, dict[str, float | None]]:
        values = {figure: self.values(part, figure) for figure in FIGURES}
        return {
            figure: {"mean": fmean(found), "deviation": deviation(found)}
            for figure, found in values.items()
        }


def deviation(values: Sequence[float]) -> float | None:
    """The deviation of a sample; None where there are fewer than two values."""
    return stdev(values) if len(values) > 1 else None


def run_series(
    experiment: Experiment,
    plan: Plan,
    config: TrainConfig,
    output: Path,
    *,
    read_data: Callable[[int], RunData],
    only_fold: int | None = None,
    resume: bool,
    after_epoch: AfterEpoch | None = None,
) -> Summary:
    """Train the runs of one fold, or of all, that are not finished; summarise all that are.

    ``read_data`` gives the documents of a fold (0 where there are none); ``after_epoch`` is told
    of the first run. The summary is written to results.json. Raises UsageError where a run is
    there and ``resume`` is not set.
    """
    chosen = [member for member in plan.members() if only_fold in (None, member.fold)]
    for member in chosen:
        check_new_or_resumed(output / member.name, resume=resume)
    for fold, members in groupby(chosen, key=lambda member: member.fold):
        data = read_data(fold)
        for member in members:
            number = chosen.index(member) + 1
            _LOGGER.info("run %d of %d: %s", number, len(chosen), output / member.name)
            experiment.run(
                data,
                replace(config, seed=member.seed),
                output / member.name,
                resume=resume,
                after_epoch=after_epoch if member == chosen[0] else None,
            )
    summary = summarise(output, plan)
    write_json(output / RESULTS_FILE, summary.to_record())
    return summary


def summarise(output: Path, plan: Plan) -> Summary:
    """What the finished runs of a series scored.

    Raises UsageError where none is finished, or where they differ in more than fold and seed.
    """
    finished = [
        member for member in plan.members() if (output / member.name / SCORES_FILE).exists()
    ]
    if not finished:
        raise UsageError(f"no run of the series in {output} is finished")
    first, *others = (_comparable(output / member.name) for member in finished)
    for member, settings in zip(finished[1:], others, strict=True):
        if changed := first.differences(settings):
            raise UsageError(
                f"{finished[0].name} and {member.name} in {output} are no runs of one series: "
                f"{changed}"
            )
    return Summary(plan, {member: read_scores(output / member.name) for member in finished})


def _comparable(folder: Path) -> RunSettings:
    """The settings of a run without what the runs of a series differ in."""
    settings = RunSettings.read(folder)
    return replace(
        settings,
        train=replace(settings.train, seed=0),
        data={key: value for key, value in settings.data.items() if key in _SHARED_DATA},
    )
