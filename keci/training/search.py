"""A search for good settings within a budget of trials; the only module that imports Optuna."""

import os
from enum import StrEnum
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from keci.training.search_space import SearchSpace, Setting
from keci.training.trainer import EpochMetrics
from keci.training.tune import Trial, Tuning

STUDY_FILE = "study.journal"
_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
_SEED_STEP = 10_007


class Pruning(StrEnum):
    """Whether trials that look worse than others at the same epoch are given up."""

    NONE = "none"
    MEDIAN = "median"
    HALVING = "halving"


_PRUNERS = {
    Pruning.NONE: optuna.pruners.NopPruner,
    Pruning.MEDIAN: optuna.pruners.MedianPruner,
    Pruning.HALVING: optuna.pruners.SuccessiveHalvingPruner,
}


def search(
    tuning: Tuning,
    space: SearchSpace,
    *,
    trials: int,
    seed: int,
    pruning: Pruning,
    resume: bool,
) -> list[Trial]:
    """Try ``trials`` settings in all, chosen by Optuna's TPE sampler from those tried before.

    Learning rates lie anywhere between the lowest and the highest of ``space``, on a log scale;
    the other values are among those given. The study is kept in study.journal, and an interrupted
    search goes on as if it had not been. Raises UsageError as ``Tuning.start``.
    """
    method = {
        "method": "search",
        "space": space.to_record(),
        "seed": seed,
        "pruning": pruning.value,
    }
    tuning.start(method, resume=resume)
    study = _open_study(tuning, pruning)
    done = [
        _ended(tuning, trial, number)
        for number, trial in enumerate(study.get_trials(states=_ENDED), start=1)
    ]
    while len(done) < trials:
        done.append(_next_trial(tuning, space, study, number=len(done) + 1, seed=seed))
        tuning.write(done)
    tuning.write(done)
    return done


def _open_study(tuning: Tuning, pruning: Pruning) -> optuna.Study:
    """The study of a folder; a trial that was interrupted is taken out of it, to be asked again."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = tuning.output / STUDY_FILE
    _drop_torn_line(path)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(path))),
        study_name="keci-train",
        direction="maximize",
        pruner=_PRUNERS[pruning](),
        load_if_exists=True,
    )
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    return study


def _drop_torn_line(path: Path) -> None:
    """Cut off a last line that a crash left without its end; Optuna could not read on after it."""
    if path.exists() and not (content := path.read_bytes()).endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)


def _next_trial(
    tuning: Tuning, space: SearchSpace, study: optuna.Study, *, number: int, seed: int
) -> Trial:
    """Ask for a setting and train it.

    The sampler is made anew with a seed of the trial's own, so that the setting depends on the
    trials that ended before and on nothing else, and an interrupted trial is asked for again.
    """
    study.sampler = optuna.samplers.TPESampler(seed=seed * _SEED_STEP + number)
    asked = study.ask()
    setting = _suggest(asked, space)
    report = _Report(asked)
    try:
        for metrics in tuning.epochs_of(number):
            report(metrics)
        trial = tuning.run(number, setting, after_epoch=report)
    except optuna.TrialPruned:
        trial = tuning.pruned(number, setting)
        study.tell(asked, state=TrialState.PRUNED)
    else:
        study.tell(asked, trial.score)
    return trial


def _ended(tuning: Tuning, trial: FrozenTrial, number: int) -> Trial:
    setting = Setting(**trial.params)
    if trial.state is TrialState.PRUNED:
        return tuning.pruned(number, setting)
    return tuning.run(number, setting)


class _Report:
    """Tells Optuna the validation score after each epoch, once, and raises where it prunes."""

    def __init__(self, trial: optuna.Trial) -> None:
        self.trial = trial
        self.epoch = 0

    def __call__(self, metrics: EpochMetrics) -> None:
        if metrics.epoch > self.epoch:
            self.epoch = metrics.epoch
            self.trial.report(metrics.selection, metrics.epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def _suggest(trial: optuna.Trial, space: SearchSpace) -> Setting:
    def rate(name: str, values: tuple[float, ...]) -> float:
        return trial.suggest_float(name, min(values), max(values), log=True)

    return Setting(
        batch_size=trial.suggest_categorical("batch_size", space.batch_size),
        encoder_learning_rate=rate("encoder_learning_rate", space.encoder_learning_rate),
        upper_learning_rate=rate("upper_learning_rate", space.upper_learning_rate),
        epochs=trial.suggest_categorical("epochs", space.epochs),
    )
