"""keci-train: annotated data in, a trained checkpoint out, or one for each fold and seed."""

from dataclasses import replace
from pathlib import Path

import click

from keci.cli.options import CommandWithSubcommands, common_options
from keci.cli.train.draft_task import draft
from keci.cli.train.train_encoder import encoder
from keci.cli.train.train_options import TrainingChoice, training_options, with_choice
from keci.cli.train.train_tune import tune
from keci.config import TrainConfig

_EPILOG = """\b
Examples:
  keci-train --task ade --train train.json --encoder minilm \\
      --output runs/ade --epochs 20
  keci-train --task biorelex --train train.json --runs 3 --output runs/brx
  keci-train --task ade --train ade_splits/ --folds 10 --output runs/folds
  keci-train tune --task ade --train train.json --output runs/tuned
  keci-train draft-task mine.jsonl > mine.toml
  keci-train --task mine.toml --check mine.jsonl
"""


@click.command(cls=CommandWithSubcommands, epilog=_EPILOG)
@training_options
@click.option(
    "--check",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Only tell what FILE has for the task, what of it would be lost and why.",
)
@click.option(
    "--test",
    type=click.Path(path_type=Path),
    help="Annotated data to score once, in the end; with --folds a folder or pattern of files.",
)
@click.option(
    "--folds",
    type=click.IntRange(2),
    help="Cross-validation: --train is a file to split, or a folder or pattern of the files "
    "to train on, one for each fold.",
)
@click.option("--fold", type=click.IntRange(1), help="Train this fold only.")
@click.option(
    "--protocol",
    type=click.Choice(("clean", "paper")),
    help="Choose the best epoch on documents apart from those scored, which is the default, "
    "or on those, as the paper does.",
)
@click.option("--epochs", type=click.IntRange(1), default=50, show_default=True)
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    show_default="32, fewer where the data are small",
)
@click.option(
    "--encoder-lr",
    type=float,
    show_default="5e-5, more where the data are small",
    help="Peak learning rate of the pretrained encoder.",
)
@click.option(
    "--upper-lr",
    type=float,
    show_default="2e-4, more where the data are small",
    help="Peak learning rate of the layers above it.",
)
@common_options
@with_choice
def main(
    choice: TrainingChoice,
    test: Path | None,
    folds: int | None,
    fold: int | None,
    protocol: str | None,
    epochs: int,
    batch_size: int | None,
    encoder_lr: float | None,
    upper_lr: float | None,
) -> None:
    """Train KECI, a baseline or an ablation on annotated data.

    The best epoch is chosen on the validation documents and kept in OUTPUT/best.safetensors, its
    scores in OUTPUT/scores.json. With --folds or --runs, each run has a folder of its own in
    OUTPUT; their means and deviations are in OUTPUT/results.json.
    """
    from keci.cli.train.train_series import HeldOut, train

    held_out = HeldOut(test, folds or 0, fold, protocol)
    held_out.check(choice)
    fitting = TrainConfig.fitting(choice.inspect_data())
    config = replace(
        fitting,
        epochs=epochs,
        batch_size=batch_size or fitting.batch_size,
        encoder_learning_rate=encoder_lr or fitting.encoder_learning_rate,
        upper_learning_rate=upper_lr or fitting.upper_learning_rate,
    )
    train(choice, held_out, config)


for subcommand in (tune, draft):
    main.add_subcommand(subcommand)
main.add_subcommand(encoder)
