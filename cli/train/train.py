"""keci-train: annotated data in, a trained checkpoint out, or one for each fold and seed."""

import click

from keci.cli.options import CommandWithSubcommands, common_options, interrupt_told, options_of
from keci.cli.train.draft_task import draft
from keci.cli.train.train_encoder import encoder
from keci.cli.train.train_options import (
    HeldOut,
    LearningOptions,
    TrainingChoice,
    training_options,
    with_choice,
)
from keci.cli.train.train_tune import tune

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
@training_options()
@options_of(HeldOut, "held_out")
@options_of(LearningOptions, "learning")
@common_options
@with_choice
def main(choice: TrainingChoice, held_out: HeldOut, learning: LearningOptions) -> None:
    """Train KECI, a baseline or an ablation on annotated data.

    The best epoch is chosen on the validation documents and kept in OUTPUT/best.safetensors, its
    scores in OUTPUT/scores.json. With --folds or --runs, each run has a folder of its own in
    OUTPUT; their means and deviations are in OUTPUT/results.json.
    """
    from keci.cli.train.train_series import train

    held_out.check(choice)
    config = learning.config(choice.inspect_data())
    with interrupt_told(choice.output):
        train(choice, held_out, config)


for subcommand in (tune, draft, encoder):
    main.add_subcommand(subcommand)
