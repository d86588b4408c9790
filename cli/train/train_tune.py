"""keci-train tune: the paper's grid of settings, or a search within a budget of trials."""

import click

from keci.cli.options import common_options
from keci.cli.train.train_options import TrainingChoice, training_options, with_choice


@click.command("tune")
@training_options
@click.option(
    "--batch-size", multiple=True, type=click.IntRange(1), default=(16, 32), show_default=True
)
@click.option(
    "--encoder-lr",
    multiple=True,
    type=float,
    default=(2e-5, 3e-5, 4e-5, 5e-5),
    show_default=True,
    help="Peak learning rates of the pretrained encoder.",
)
@click.option(
    "--upper-lr",
    multiple=True,
    type=float,
    default=(1e-4, 2e-4, 5e-4),
    show_default=True,
    help="Peak learning rates of the layers above it.",
)
@click.option(
    "--epochs", multiple=True, type=click.IntRange(1), default=(50, 100), show_default=True
)
@click.option(
    "--trials",
    type=click.IntRange(1),
    help="Search with Optuna, so many trials in all; learning rates may lie between those given. "
    "Without it every combination is tried.",
)
@click.option(
    "--prune",
    type=click.Choice(("none", "median", "halving")),
    default="none",
    show_default=True,
    help="In a search, give up trials that do worse than others at the same epoch.",
)
@common_options
@with_choice
def tune(
    choice: TrainingChoice,
    batch_size: tuple[int, ...],
    encoder_lr: tuple[float, ...],
    upper_lr: tuple[float, ...],
    epochs: tuple[int, ...],
    trials: int | None,
    prune: str,
) -> None:
    """Find the settings with the best validation F1.

    By default the paper's grid is tried; give an option several times to try other values. Each
    trial is a run in OUTPUT/trial-NNN, with a folder for each seed where --runs is above 1. The
    table of trials is in OUTPUT/results.json and results.csv.

    \b
    Examples:
      keci-train tune --task ade --train train.json --output runs/grid --epochs 20
      keci-train tune --task ade --train train.json --output runs/search --epochs 20 \\
          --trials 20 --prune median --runs 3
    """
    from keci.cli.train.train_trials import try_settings
    from keci.training.tune import SearchSpace

    choice.inspect_data()
    space = SearchSpace(batch_size, encoder_lr, upper_lr, epochs)
    try_settings(choice, space, trials=trials, pruning=prune)
