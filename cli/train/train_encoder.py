"""keci-train encoder: adapts a general encoder to biomedical text."""

from pathlib import Path

import click

from keci.cli.completion import completed, encoders
from keci.cli.options import common_options, kb_option, show_progress
from keci.errors import UsageError

_EPILOG = """\b
Examples:
  keci-train encoder --texts ner/ --kb kb/open --output runs/encoder
  keci-train --task ade --train train.json --encoder runs/encoder/encoder --output runs/ade
"""


@click.command("encoder", epilog=_EPILOG)
@click.option(
    "--texts",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path, exists=True),
    help="KECI jsonl, plain or gzip, a corpus a file, or a folder of those. Where its records have "
    "entities, their tags are learned too; any text of your own serves for masked pieces.",
)
@kb_option
@click.option("--no-kb", "without_kb", is_flag=True, help="Learn from no names of concepts.")
@click.option(
    "--encoder",
    default="minilm",
    show_default=True,
    help="What to start from.",
    shell_complete=completed(encoders, or_files=True),
)
@click.option("--steps", default=2000, show_default=True, type=click.IntRange(1))
@click.option(
    "--pieces",
    default=2048,
    show_default=True,
    type=click.IntRange(1),
    help="Word pieces a step, padding included.",
)
@click.option("--learning-rate", default=2e-4, show_default=True)
@click.option(
    "--synonyms",
    default=32,
    show_default=True,
    type=click.IntRange(0),
    help="Pairs of names of one concept a step.",
)
@click.option("--seed", default=1, show_default=True)
@click.option("--output", required=True, type=click.Path(path_type=Path), help="Folder.")
@click.option("--resume", is_flag=True, help="Go on from the last saved step.")
@common_options
def encoder(
    texts: tuple[Path, ...],
    kb: Path | None,
    without_kb: bool,
    encoder: str,
    steps: int,
    pieces: int,
    learning_rate: float,
    synonyms: int,
    seed: int,
    output: Path,
    resume: bool,
) -> None:
    """Adapt an encoder to biomedical text: masked pieces, tags of corpora, names of concepts.

    OUTPUT/encoder is then what --encoder of keci-train takes.
    """
    if kb and without_kb:
        raise UsageError("--kb and --no-kb exclude each other")
    from keci.knowledge.choice import knowledge_base_for
    from keci.training.adaptation import Adaptation, AdaptationSettings

    settings = AdaptationSettings(
        encoder=encoder,
        steps=steps,
        piece_budget=pieces,
        learning_rate=learning_rate,
        synonym_pairs=synonyms,
        seed=seed,
    )
    base = None if without_kb or not synonyms else knowledge_base_for(kb)
    adaptation = Adaptation(
        settings, _corpora(texts), output, base=base, show_progress=show_progress()
    )
    click.echo(f"encoder: {adaptation.run(resume=resume)}")


def _corpora(texts: tuple[Path, ...]) -> list[Path]:
    """The files of the folders and files, each once, by name."""
    found: dict[Path, None] = {}
    for path in texts:
        files = sorted(path.glob("*.jsonl*")) if path.is_dir() else [path]
        if not files:
            raise UsageError(f"{path} holds no *.jsonl and no *.jsonl.gz")
        found |= dict.fromkeys(files)
    return list(found)
