"""keci-extract report: what a run has found, in numbers."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from keci.cli.options import EXIT_SOME_FAILED, WholeNumber, common_options, is_quiet
from keci.corpus.run.layout import PART_RECORDS


@click.command("report", epilog="Example: keci-extract report entities/ --json")
@click.argument("output", metavar="OUT", type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@common_options
def report(output: Path, as_json: bool) -> None:
    """Sum documents, entities, relations and failures of a finished run.

    OUT is its file or folder.
    """
    import orjson

    from keci.cli.tables import print_table
    from keci.corpus.run.finished import open_finished, summarise

    record = summarise(open_finished(output)).to_record()
    if as_json:
        click.echo(orjson.dumps(record, option=orjson.OPT_INDENT_2))
        return
    print_table(str(output), ("", ""), _rows(record))


def _rows(record: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        label = name.replace("_", " ")
        if not isinstance(value, dict):
            yield label, value
            continue
        for key, inner in value.items():
            if isinstance(inner, dict):
                yield from ((f"{label}: {kind}", count) for kind, count in inner.items())
            else:
                yield f"{label}, {key.replace('_', ' ')}", inner


@click.command("verify", epilog="Example: keci-extract verify entities/")
@click.argument("output", metavar="OUT", type=click.Path(exists=True, path_type=Path))
@common_options
def verify(output: Path) -> None:
    """Check hashes, numbers of records and offsets of a finished run.

    OUT is its file or folder. The exit code is 0 where all is well, 1 where something is not, and 2
    where there is no manifest.
    """
    from keci.corpus.run.finished import open_finished, problems
    from keci.printable import printable_lines

    run = open_finished(output)
    found = 0
    for problem in problems(run):
        found += 1
        click.echo(printable_lines(problem))
    if found:
        sys.exit(EXIT_SOME_FAILED)
    manifest = run.manifest
    click.echo(
        f"{output}: {len(manifest.parts)} files, {manifest.written:,} records and "
        f"{manifest.failed:,} failures are as they were left"
    )


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
@click.option("--part-records", type=WholeNumber(1), default=PART_RECORDS, show_default=True)
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
    from keci.corpus.run.finished import open_finished
    from keci.corpus.run.layout import file_layout, folder_layout
    from keci.corpus.run.merging import merge_shards
    from keci.errors import UsageError
    from keci.files import Disk
    from keci.targets import check_targets

    runs = [open_finished(shard) for shard in shards]
    form = runs[0].format.name
    if output and not output_dir:
        layout = file_layout(output, form)
    elif output_dir and not output:
        layout = folder_layout(output_dir, form, part_records)
    else:
        raise UsageError("expected either -o OUT or --output-dir DIR")
    check_targets(layout.written_files(), [path for run in runs for path in run.files()])
    manifest = merge_shards(runs, layout, Disk(), overwrite=overwrite)
    if not is_quiet():
        click.echo(
            f"{manifest.taken} records merged, {manifest.written} written, "
            f"{manifest.failed} failed",
            err=True,
        )
