"""keci-kb embed: vectors of a knowledge base's concepts and semantic types."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from keci.cli.kb.embed_options import EmbedOptions
from keci.cli.options import common_options, options_of, show_progress
from keci.errors import UsageError
from keci.knowledge.vectors.settings import EmbeddingSettings
from keci.progress import ProgressDisplay

if TYPE_CHECKING:
    from keci.cli.kb.embed_jobs import EmbeddingJob, Report
    from keci.knowledge.vectors.folder import TableManifest

_TRAINING = ("method", "epochs", "seed", "batch_size", "negatives", "learning_rate")
_ENCODING = ("encoder", "limit", "synthetic", "texts", "like")


@click.command("embed")
@click.argument("kb", type=click.Path(path_type=Path), required=False)
@options_of(EmbeddingSettings, "training", without=("width",))
@options_of(EmbedOptions, "options")
@common_options
@click.pass_context
def embed(
    context: click.Context, kb: Path | None, training: EmbeddingSettings, options: EmbedOptions
) -> None:
    """Make vectors of the concepts and semantic types of KB.

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
    _check_options(context, options)

    from keci.cli.kb.embed_jobs import make_vectors

    training = replace(training, width=options.dim or training.width)
    with _progress() as report:
        job, manifest = make_vectors(kb, options, training, report)
    _print(job, manifest, as_json=options.as_json)


def _check_options(context: click.Context, options: EmbedOptions) -> None:
    """Raise UsageError where a given option has no meaning beside the others."""
    if options.definitions and options.import_file is not None:
        raise UsageError("give either --definitions or --import, not both")
    idle: tuple[str, ...] = _TRAINING if options.definitions else _ENCODING
    if options.import_file is not None:
        idle = (*_TRAINING, *_ENCODING, "dim", "device")
    for name in idle:
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            spelled = name.replace("_", "-")
            raise UsageError(f"--{spelled} does not go with the other options")
    if options.like is not None and options.dim is not None:
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
