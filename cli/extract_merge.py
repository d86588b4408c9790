"""keci-extract merge: the outputs of all shards of a run, put together."""

from pathlib import Path

import click

from keci.cli.options import common_options, is_quiet

_EPILOG = """\b
Example:
  keci-extract merge shard-1/ shard-2/ shard-3/ --output-dir entities/
"""


@click.command("merge", epilog=_EPILOG)
@click.argument(
    "shards", metavar="OUT...", nargs=-1, required=True,
    type=click.Path(exists=True, path_type=Path),
)  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write.")
@click.option("--output-dir", type=click.Path(path_type=Path), help="Folder of parts to write.")
@click.option("--part-records", type=click.IntRange(1), default=10_000, show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace the output of a run in the folder.")
@common_options
def merge(
    shards: tuple[Path, ...],
    output: Path | None,
    output_dir: Path | None,
    part_records: int,
    overwrite: bool,
) -> None:
    """Merge finished shards 1/N to N/N into what one run would have written.

    Records come in the order of the corpus, in the format of the shards.
    """
    from keci.corpus.durable import Disk
    from keci.corpus.finished import open_finished
    from keci.corpus.layout import file_layout, folder_layout
    from keci.corpus.merging import merge_shards
    from keci.errors import UsageError

    runs = [open_finished(shard) for shard in shards]
    form = runs[0].format.name
    if output and not output_dir:
        layout = file_layout(output, form)
    elif output_dir and not output:
        layout = folder_layout(output_dir, form, part_records)
    else:
        raise UsageError("expected either -o OUT or --output-dir DIR")
    manifest = merge_shards(runs, layout, Disk(), overwrite=overwrite)
    if not is_quiet():
        click.echo(
            f"{manifest.taken} records merged, {manifest.written} written, "
            f"{manifest.failed} failed",
            err=True,
        )
