"""One training run, or one for each fold and seed, and what a person is told of it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from keci.cli.options import show_progress
from keci.cli.tables import print_summary, print_table
from keci.cli.train.train_options import HeldOut, TrainingChoice
from keci.config import ModelConfig, TrainConfig
from keci.training.crossval import RESULTS_FILE, Summary, run_series
from keci.training.experiment import FIGURES, SCORED_PARTS
from keci.training.folds import open_folds
from keci.training.run import RunInputs, open_experiment, train_run
from keci.training.run_data import Protocol


def train(choice: TrainingChoice, held_out: HeldOut, config: TrainConfig) -> None:
    """Train what the options ask for and print how it went."""
    model, config = choice.configs(config)
    inputs = replace(
        choice.inputs(), test=held_out.test, protocol=Protocol(held_out.protocol or "clean")
    )
    if held_out.folds or choice.runs > 1:
        _show(_train_series(choice, held_out, inputs, model, config), choice.output)
        return
    result = train_run(inputs, model, config, resume=choice.resume, show_progress=show_progress())
    print_summary(str(choice.output), _summary(result.scores))
    entity, relation = (result.scores[part]["f1"] for part in SCORED_PARTS)
    click.echo(f"F1 entity {entity:.2f}, relation {relation:.2f} ({result.scores['meaning']})")
    state = result.state
    click.echo(f"best epoch {state.best_epoch} of {state.epoch}; checkpoint in {choice.output}")


def _summary(scores: Mapping[str, Any]) -> dict[str, str]:
    """Precision, recall and F1 of the best epoch."""
    return {
        part: "  ".join(f"{name} {scores[part][name]:.2f}" for name in FIGURES)
        for part in SCORED_PARTS
    }


def _train_series(
    choice: TrainingChoice,
    held_out: HeldOut,
    inputs: RunInputs,
    model: ModelConfig,
    config: TrainConfig,
) -> Summary:
    plan = choice.plan(config, folds=held_out.folds or 0)
    experiment = open_experiment(inputs, model, config.variant, show_progress=show_progress())
    if held_out.folds:
        folds = open_folds(choice.train, held_out.test, inputs.schema, folds=held_out.folds)
    return run_series(
        experiment,
        plan,
        config,
        choice.output,
        read_data=lambda fold: (
            folds.read(fold, config, protocol=inputs.protocol) if fold else inputs.read_data(config)
        ),
        only_fold=held_out.fold,
        resume=choice.resume,
    )


def _show(summary: Summary, output: Path) -> None:
    columns = [f"{part[:3]} {name}" for part in SCORED_PARTS for name in ("P", "R", "F1")]
    rows = [
        (
            member.name,
            scores["documents"],
            *(round(scores[part][figure], 2) for part in SCORED_PARTS for figure in FIGURES),
        )
        for member, scores in summary.scores.items()
    ]
    print_table(summary.protocol.meaning, ("run", "docs", *columns), rows)
    record = summary.to_record()
    count, over = len(summary.values("entity", "f1")), record["over"]
    total = summary.plan.folds or len(summary.plan.seeds)
    for part in SCORED_PARTS:
        click.echo(f"{part}, mean of {count} of {total} {over}: {_statistics(record[part])}")
    if summary.missing:
        click.echo(f"not finished, so not counted: {', '.join(summary.missing)}")
    click.echo(f"all figures in {output / RESULTS_FILE}")


def _statistics(figures: dict[str, dict[str, float | None]]) -> str:
    """Means with their deviations, where there are any."""
    named = zip(("P", "R", "F1"), figures.values(), strict=True)
    return ", ".join(
        f"{name} {values['mean']:.2f}"
        + ("" if values["deviation"] is None else f" ± {values['deviation']:.2f}")
        for name, values in named
    )
