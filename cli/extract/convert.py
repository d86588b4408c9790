"""keci-extract convert: what a run has found in another format, whole or what needs a look."""

from pathlib import Path

import click

from keci.cli.options import WholeNumber, common_options, is_quiet
from keci.errors import UsageError

_EPILOG = """\b
Examples:
  keci-extract convert entities/ -o entities.bioc.json
  keci-extract convert entities/ -o mentions.xlsx --rows mentions
  keci-extract convert entities.jsonl -o tasks.label-studio.json \\
      --sample uncertain 50
"""


@click.command("convert", epilog=_EPILOG)
@click.argument("output", metavar="OUT", type=click.Path(exists=True, path_type=Path))
@click.option(
    "-o", "--output", "target", required=True, type=click.Path(path_type=Path),
    help="File to write; its ending chooses the format.",
)  # fmt: skip
@click.option("--output-format", "format_name", help="The format, where the ending is none.")
@click.option(
    "--rows",
    type=click.Choice(("relations", "mentions")),
    help="Write a table with a row for each of these: csv, tsv and xlsx (relations if not given), "
    "parquet.",
)
@click.option(
    "--sample",
    type=(click.Choice(("uncertain",)), WholeNumber(1)),
    metavar="uncertain N",
    help="Take only the N records with the least certain finding, that one first.",
)
@common_options
def convert(
    output: Path,
    target: Path,
    format_name: str | None,
    rows: str | None,
    sample: tuple[str, int] | None,
) -> None:
    """Write the records of OUT, a file or folder of keci-extract, to another file.

    A finding is uncertain where its score is near one half.
    """
    from keci.certainty import least_certain
    from keci.corpus.run.finished import read_output
    from keci.corpus.run.layout import file_layout
    from keci.pipeline import write
    from keci.targets import check_targets

    if str(target) == "-":
        raise UsageError("convert writes a file: name it with -o")
    if target.exists():
        raise UsageError(f"{target} exists already")
    layout = file_layout(target, format_name, rows)
    check_targets(layout.written_files(), [output])
    records = read_output(output)
    chosen = least_certain(records, sample[1]) if sample else records
    written = write(chosen, target, layout.format.name).written
    if not is_quiet():
        click.echo(f"{written:,} records written to {target}", err=True)
