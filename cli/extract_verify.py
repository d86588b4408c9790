"""keci-extract verify: is a run's output as it was left?"""

import sys
from pathlib import Path

import click

from keci.cli.options import EXIT_SOME_FAILED, common_options


@click.command("verify", epilog="Example: keci-extract verify entities/")
@click.argument("output", metavar="OUT", type=click.Path(exists=True, path_type=Path))
@common_options
def verify(output: Path) -> None:
    """Check hashes, numbers of records and offsets of a finished run.

    OUT is its file or folder. The exit code is 0 where all is well, 1 where something is not, and 2
    where there is no manifest.
    """
    from keci.corpus.finished import open_finished, problems

    run = open_finished(output)
    found = 0
    for problem in problems(run):
        found += 1
        click.echo(problem)
    if found:
        sys.exit(EXIT_SOME_FAILED)
    manifest = run.manifest
    click.echo(
        f"{output}: {len(manifest.parts)} files, {manifest.written:,} records and "
        f"{manifest.failed:,} failures are as they were left"
    )
