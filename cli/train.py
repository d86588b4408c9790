"""keci-train: annotated data in, a trained checkpoint out."""

from pathlib import Path

import click

from keci.cli.options import common_options, show_progress
from keci.cli.settings import apply_settings
from keci.config import VARIANTS, ModelConfig, TrainConfig

_EPILOG = """\b
Example:
  keci-train --task ade --train train.json --encoder minilm \\
      --output runs/ade --epochs 20
"""


@click.command(epilog=_EPILOG)
@click.option("--task", required=True, help="ade, biorelex, or a schema file in TOML.")
@click.option(
    "--train",
    "train_file",
    required=True,
    type=click.Path(path_type=Path),
    help="Annotated data: BioRelEx json, SpERT json or KECI jsonl.",
)
@click.option(
    "--validation",
    type=click.Path(path_type=Path),
    help="Annotated data to choose the best epoch on; split off --train if not given.",
)
@click.option(
    "--encoder",
    default="minilm",
    show_default=True,
    help="minilm, mpnet, a folder with a transformers model, or a hub name.",
)
@click.option(
    "--kb",
    type=click.Path(path_type=Path),
    help="Knowledge base folder; the default one if not given.",
)
@click.option(
    "--vectors",
    multiple=True,
    metavar="NAME",
    help="Vectors beside the knowledge base to read, 'none' for none; all if not given.",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder of the run: checkpoints, settings, metrics.csv.",
)
@click.option(
    "--variant",
    type=click.Choice(tuple(VARIANTS)),
    default="full",
    show_default=True,
    help="The paper's full model, a baseline or an ablation.",
)
@click.option("--seed", default=1, show_default=True)
@click.option("--epochs", default=50, show_default=True)
@click.option("--batch-size", default=32, show_default=True)
@click.option(
    "--encoder-lr",
    default=5e-5,
    show_default=True,
    help="Peak learning rate of the pretrained encoder.",
)
@click.option(
    "--upper-lr", default=2e-4, show_default=True, help="Peak learning rate of the layers above it."
)
@click.option(
    "--patience",
    default=0,
    show_default=True,
    help="Stop after so many epochs without a better validation F1; 0: never.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any other field of ModelConfig or TrainConfig, such as span_gcn_layers=1.",
)
@click.option("--resume", is_flag=True, help="Go on with the run in --output.")
@common_options
def main(
    task: str,
    train_file: Path,
    validation: Path | None,
    encoder: str,
    kb: Path | None,
    vectors: tuple[str, ...],
    output: Path,
    variant: str,
    seed: int,
    epochs: int,
    batch_size: int,
    encoder_lr: float,
    upper_lr: float,
    patience: int,
    settings: tuple[str, ...],
    resume: bool,
) -> None:
    """Train KECI, a baseline or an ablation on annotated data.

    The best epoch is chosen on the validation documents and kept in OUTPUT/best.safetensors.
    """
    from keci.cli.knowledge import knowledge_base_for
    from keci.schema import load_schema
    from keci.training.run import RunInputs, train_run

    config = TrainConfig(
        variant=variant,
        seed=seed,
        epochs=epochs,
        batch_size=batch_size,
        patience=patience,
        encoder_learning_rate=encoder_lr,
        upper_learning_rate=upper_lr,
    )
    model, config = apply_settings(settings, ModelConfig(), config)
    needs_knowledge = VARIANTS[variant].get("knowledge") != "none"
    base = knowledge_base_for(kb) if needs_knowledge else None
    inputs = RunInputs(
        load_schema(task),
        train_file,
        validation,
        encoder,
        base,
        output,
        vectors=_chosen_vectors(vectors),
    )
    state = train_run(inputs, model, config, resume=resume, show_progress=show_progress())
    click.echo(f"best epoch {state.best_epoch} of {state.epoch}; checkpoint in {output}")


def _chosen_vectors(names: tuple[str, ...]) -> tuple[str, ...] | None:
    """The named tables; None for all that there are."""
    if not names:
        return None
    return tuple(name for name in names if name != "none")
