"""keci-kb embed: vectors of a knowledge base's concepts and semantic types."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from keci.cli.completion import completed, encoders
from keci.cli.options import common_options, show_progress
from keci.errors import UsageError
from keci.progress import ProgressDisplay

if TYPE_CHECKING:
    from keci.cli.kb.embed_jobs import EmbeddingJob, Report
    from keci.knowledge.vectors.folder import TableManifest

_TRAINING = ("method", "epochs", "seed", "batch_size", "negatives", "learning_rate")
_ENCODING = ("encoder", "limit", "synthetic", "texts", "like")
_DEFAULT_WIDTH = 64


@click.command("embed")
@click.argument("kb", type=click.Path(path_type=Path), required=False)
@click.option(
    "--method",
    type=click.Choice(("transe", "distmult")),
    default="transe",
    show_default=True,
    help="Score of a triple, for vectors trained on the relations.",
)
@click.option(
    "--definitions",
    is_flag=True,
    help="Encode the definitions instead of training on the relations.",
)
@click.option(
    "--import",
    "import_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Take vectors from a text file, plain or .gz: a concept id and its numbers on each line.",
)
@click.option(
    "--dim",
    type=click.IntRange(1),
    help="Width; default 64. Definitions have the encoder's, or so many of their "
    "principal components.",
)
@click.option("--epochs", type=click.IntRange(1), default=10, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--batch-size", type=click.IntRange(1), default=4096, show_default=True)
@click.option(
    "--negatives",
    type=click.IntRange(1),
    default=128,
    show_default=True,
    help="Random nodes that each triple is compared with.",
)
@click.option("--learning-rate", type=float, default=0.1, show_default=True)
@click.option(
    "--encoder",
    default="minilm",
    show_default=True,
    help="minilm, mpnet, a folder with a transformers model, or a hub name.",
    shell_complete=completed(encoders, or_files=True),
)
@click.option("--limit", type=click.IntRange(1), help="Encode at most so many texts this time.")
@click.option(
    "--synthetic",
    is_flag=True,
    help="Also encode sentences made for the concepts without a definition.",
)
@click.option(
    "--texts",
    multiple=True,
    metavar="FILE",
    help="Encode only for the concepts that these texts may name; anything keci-extract reads.",
)
@click.option(
    "--like",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of vectors whose principal components are used, so that a model can "
    "read these vectors in place of those.",
)
@click.option("--name", help="What the vectors are called; default: made of the settings.")
@click.option("--restart", is_flag=True, help="Replace finished vectors, drop unfinished ones.")
@click.option(
    "--device", type=click.Choice(("auto", "cpu", "cuda")), default="auto", show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON, not a table.")
@common_options
@click.pass_context
def embed(
    context: click.Context,
    kb: Path | None,
    method: str,
    definitions: bool,
    import_file: Path | None,
    dim: int | None,
    epochs: int,
    seed: int,
    batch_size: int,
    negatives: int,
    learning_rate: float,
    encoder: str,
    limit: int | None,
    synthetic: bool,
    texts: tuple[str, ...],
    like: Path | None,
    name: str | None,
    restart: bool,
    device: str,
    as_json: bool,
) -> None:
    """Make vectors of the concepts and semantic types of the knowledge base KB.

    They are trained on its relations by link prediction, encoded from its definitions, or
    imported, and written beside KB, into the folder KB.vectors. A call that was interrupted goes
    on when it is repeated.

    \b
    Example:
      keci-kb embed kb/open --method transe --dim 64 --epochs 10
      keci-kb embed kb/open --definitions --encoder minilm --dim 64
      keci-kb embed kb/open --definitions --synthetic --texts train.jsonl
      keci-kb embed kb/umls --import vectors.txt.gz --name maldonado
    """
    _check_options(context, definitions=definitions, import_file=import_file)

    from keci.cli.kb.embed_jobs import concepts_of, encode_definitions, start_job, train_vectors
    from keci.knowledge.vectors.definitions import DefinitionSettings
    from keci.knowledge.vectors.imported import import_vectors
    from keci.knowledge.vectors.scorers import EmbeddingSettings

    width = f"-{dim}" if dim else ""
    with _progress() as report:
        if import_file is not None:
            stem = import_file.name.removesuffix(".gz").rsplit(".", 1)[0]
            job = start_job(kb, name or stem, device, report, restart=restart)
            manifest = import_vectors(
                job.folder, job.base, import_file, name=job.name, report=report
            )
        elif definitions:
            made = f"definitions-{Path(encoder).name}{width}{'-synthetic' * synthetic}"
            job = start_job(kb, name or made, device, report, restart=restart, keep="definitions")
            concepts = concepts_of(texts, job.base) if texts else None
            choice = DefinitionSettings(dim or 0, like, limit, synthetic, concepts)
            manifest = encode_definitions(job, encoder, choice)
        else:
            settings = EmbeddingSettings(
                method=method,
                width=dim or _DEFAULT_WIDTH,
                epochs=epochs,
                seed=seed,
                batch_size=batch_size,
                negatives=negatives,
                learning_rate=learning_rate,
            )
            made = f"{method}-{settings.width}"
            job = start_job(kb, name or made, device, report, restart=restart)
            manifest = train_vectors(job, settings)
    _print(job, manifest, as_json=as_json)


def _check_options(context: click.Context, *, definitions: bool, import_file: Path | None) -> None:
    """Raise UsageError where a given option has no meaning beside the others."""
    if definitions and import_file is not None:
        raise UsageError("give either --definitions or --import, not both")
    idle: tuple[str, ...] = _TRAINING if definitions else _ENCODING
    if import_file is not None:
        idle = (*_TRAINING, *_ENCODING, "dim", "device")
    for option in idle:
        if context.get_parameter_source(option) is not ParameterSource.DEFAULT:
            spelled = option.replace("_", "-")
            raise UsageError(f"--{spelled} does not go with the other options")
    if context.params["like"] is not None and context.params["dim"] is not None:
        raise UsageError("--like decides the width: leave --dim out")


def _print(job: "EmbeddingJob", manifest: "TableManifest", *, as_json: bool) -> None:
    if as_json:
        import orjson

        record = manifest.to_record()
        click.echo(orjson.dumps(record, option=orjson.OPT_INDENT_2).decode())
        return
    from keci.cli.tables import print_table
    from keci.knowledge.vectors.folder import table_folder

    rows: list[tuple[str, Any]] = [("folder", str(table_folder(job.folder, manifest.name)))]
    rows += [("width", manifest.width), *manifest.counts.items()]
    print_table(f"Vectors {manifest.name}", ("", ""), rows + _flat(manifest.made))


def _flat(record: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """The innermost values of nested dictionaries with their joined names."""
    rows: list[tuple[str, Any]] = []
    for name, value in record.items():
        inner = isinstance(value, Mapping)
        rows += _flat(value, f"{prefix}{name} ") if inner else [(prefix + name, value)]
    return rows


@contextmanager
def _progress() -> Iterator["Report"]:
    """A progress display that is told the step, and how much of it is done."""
    with ProgressDisplay("starting", is_shown=show_progress()) as progress:

        def report(step: str, done: int, total: int) -> None:
            of_all = f" of {total:,}" if total else ""
            progress.update(f"{step}: {done:,}{of_all}", done, total or None)

        yield report
