"""keci-train draft-task: a task file out of annotated data."""

from pathlib import Path

import click

from keci.cli.options import common_options


@click.command("draft-task")
@click.argument("file", type=click.Path(path_type=Path))
@common_options
def draft(file: Path) -> None:
    """Print a task file with the types and relations of the annotated data in FILE.

    \b
    Example:
      keci-train draft-task mine.jsonl > mine.toml
      keci-train --task mine.toml --train mine.jsonl --output runs/mine
    """
    from keci.data.drafting import draft_task

    click.echo(draft_task(file), nl=False)
