"""keci-train tune: the paper's grid of settings, or a search within a budget of trials."""

import click

from keci.cli.options import common_options, interrupt_told, options_of
from keci.cli.train.train_options import (
    TrainingChoice,
    TuneOptions,
    training_options,
    with_choice,
)


@click.command("tune")
@training_options("check")
@options_of(TuneOptions, "tuned")
@common_options
@with_choice
def tune(choice: TrainingChoice, tuned: TuneOptions) -> None:
    """Find the settings with the best validation F1.

    By default the paper's grid is tried; give an option several times to try other values. Each
    trial is a run in OUTPUT/trial-NNN, with a folder for each seed where --runs is above 1. The
    table of trials is in OUTPUT/results.json and results.csv.

    \b
    Examples:
      keci-train tune --task ade --train train.json --output runs/grid --epochs 20
      keci-train tune --task ade --train train.json --output runs/search \\
          --epochs 20 --trials 20 --prune median --runs 3
    """
    from keci.cli.train.train_trials import try_settings

    choice.inspect_data()
    with interrupt_told(choice.output):
        try_settings(choice, tuned)
