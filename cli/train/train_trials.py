"""The trials of ``keci-train tune`` and their table."""

import click

from keci.cli.options import show_progress
from keci.cli.tables import print_table
from keci.cli.train.train_options import TrainingChoice, TuneOptions
from keci.config import TrainConfig
from keci.errors import UsageError
from keci.training.run import open_experiment
from keci.training.run_data import Protocol
from keci.training.search_space import SearchSpace
from keci.training.tune import TABLE_FILE, Trial, Tuning, best_trial, tune_grid


def try_settings(choice: TrainingChoice, tuned: TuneOptions) -> None:
    """Run the grid, or the search where trials are given; print the table, best first.

    Raises UsageError where a search is asked for and Optuna is missing.
    """
    if tuned.trials is None and tuned.prune != "none":
        raise UsageError("--prune gives up trials of a search: give --trials too")
    space = tuned.space()
    found = (
        tune_grid(_tuning(choice), space, resume=choice.resume)
        if tuned.trials is None
        else _search(choice, space, trials=tuned.trials, pruning=tuned.prune)
    )
    _show(found)
    click.echo(f"best: trial {best_trial(found).number}; table in {choice.output / TABLE_FILE}")


def _search(
    choice: TrainingChoice, space: SearchSpace, *, trials: int, pruning: str
) -> list[Trial]:
    try:
        from keci.training.search import Pruning, search
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--trials searches with Optuna, which cannot be imported here ({error}): install "
            "KECI with the extra 'tune', or leave --trials out for the grid"
        ) from error
    tuning = _tuning(choice)
    return search(
        tuning,
        space,
        trials=trials,
        seed=tuning.config.seed,
        pruning=Pruning(pruning),
        resume=choice.resume,
    )


def _tuning(choice: TrainingChoice) -> Tuning:
    model, config = choice.configs(TrainConfig())
    inputs = choice.inputs()
    return Tuning(
        open_experiment(inputs, model, config.variant, show_progress=show_progress()),
        config,
        inputs.read_data(config),
        plan=choice.plan(config),
        output=choice.output,
    )


def _show(trials: list[Trial]) -> None:
    columns = ("trial", "batch", "enc lr", "upper lr", "epochs", "ent F1", "rel F1")
    rows = [
        (
            trial.number,
            trial.setting.batch_size,
            f"{trial.setting.encoder_learning_rate:.2g}",
            f"{trial.setting.upper_learning_rate:.2g}",
            trial.setting.epochs,
            _figures(record, "entity_f1"),
            _figures(record, "relation_f1"),
            record["status"],
        )
        for trial in sorted(trials, key=lambda trial: (trial.pruned, -trial.score))
        for record in (trial.to_record(),)
    ]
    print_table(Protocol.VALIDATION.meaning, (*columns, "status"), rows)


def _figures(record: dict[str, float], name: str) -> str:
    """A mean, with its deviation where there is one."""
    spread = record[f"{name}_deviation"]
    return f"{record[name]:.2f}" + ("" if spread is None else f" ± {spread:.2f}")
