"""keci-extract report: what a run has found, in numbers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from keci.cli.options import common_options


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
    from keci.corpus.finished import open_finished
    from keci.corpus.summary import summarise

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
