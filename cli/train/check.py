"""keci-train --check: what annotated data have for a task, and what of it would be lost."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from keci.cli.tables import print_table
from keci.data.inspection import Inspection, Loss
from keci.errors import DataError
from keci.schema import TaskSchema


def check(path: Path, schema: TaskSchema) -> None:
    """Print what a file has for a task; raises DataError where most of it would be lost."""
    inspection = inspected(path, schema)
    show(path, inspection)
    if inspection.refusal:
        raise DataError(f"{path}: {inspection.refusal}")
    click.echo(f"{path}: fit to train {schema.name!r} on; nothing was trained")


def inspected(path: Path, schema: TaskSchema) -> Inspection:
    from keci.data.datasets import load_dataset
    from keci.data.inspection import inspect

    return inspect(load_dataset(path, schema))


def show(path: Path, inspection: Inspection) -> None:
    """Counts per type, then what is lost and what was taken otherwise."""
    schema = inspection.schema
    relation_names = [relation.name for relation in schema.relation_types]
    rows = [
        *_rows("mention", inspection.mentions, schema.entity_types),
        *_rows("relation", inspection.relations, relation_names),
    ]
    title = f"{path}: {inspection.documents} documents, read as {inspection.layout}"
    print_table(title, ("", "type", "count", f"in task {schema.name}"), rows)
    if inspection.losses:
        print_table("Lost", ("", "count", "reason", "such as"), map(_row, inspection.losses))
    if inspection.notices:
        columns = ("", "count", "taken otherwise", "such as")
        print_table("Taken otherwise", columns, map(_row, inspection.notices))


def _rows(
    kind: str, counts: Mapping[str, int], known: Iterable[str]
) -> Iterable[tuple[str, str, int, str]]:
    absent = dict.fromkeys((name for name in known if name not in counts), 0)
    for name, count in {**counts, **absent}.items():
        yield kind, name, count, "yes" if name in known else "no"


def _row(loss: Loss) -> tuple[str, int, str, str]:
    return loss.lost, loss.count, loss.reason, loss.example
