"""Tables for people, on standard output."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keci.cli.options import show_progress
from keci.printable import printable

if TYPE_CHECKING:
    from rich.table import Table

    from keci.evaluation import Figures
    from keci.evaluation.significance import Interval


_PIPED_WIDTH = 10_000
"""Columns of a table that no terminal shows: each row is a line there, however long."""


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table; numbers stand right, with thousands separated.

    It is as wide as the terminal at most. In a pipe or file no cell is folded.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", show_header=any(columns))
    filled = [list(row) for row in rows]
    for index, column in enumerate(columns):
        numeric = bool(filled) and all(isinstance(row[index], int | float) for row in filled)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in filled:
        table.add_row(
            *(Text(f"{cell:,}" if isinstance(cell, int) else printable(cell)) for cell in row)
        )
    is_shown = sys.stdout.isatty() or "COLUMNS" in os.environ
    Console(highlight=False, width=None if is_shown else _PIPED_WIDTH).print(table)


def print_summary(title: str, facts: Mapping[str, str]) -> None:
    """Print what a long command has done as a table on standard error, if that is a terminal."""
    if not show_progress():
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(printable(title)), title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right", overflow="fold")
    for name, value in facts.items():
        table.add_row(Text(printable(name)), Text(printable(value)))
    Console(stderr=True, highlight=False).print(table)


def new_table(title: str, columns: Sequence[str], *, numbers: Sequence[str]) -> "Table":
    """A table with text columns on the left and then columns of numbers."""
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, title=Text(title), title_justify="left")
    for column in numbers:
        table.add_column(column, justify="right", overflow="fold")
    return table


def shown_names(names: Iterable[str], *, any_missing: bool) -> list[str]:
    """The figures that say something: without missing predictions none counts as missed."""
    missing = "missing_as_false_negative"
    return [name for name in names if any_missing or not name.startswith(missing)]


def readable(name: str) -> str:
    """The name of a figure as people read it."""
    return name.replace("_", " ")


def intervals_table(intervals: "Mapping[str, Interval]") -> "Table":
    table = new_table("95 % intervals of F1", ("of",), numbers=("from", "to"))
    for name, interval in intervals.items():
        table.add_row(readable(name), f"{interval.low:.2f}", f"{interval.high:.2f}")
    return table


def types_table(strict: "Figures") -> "Table":
    """The strict score of each type that was annotated or predicted."""
    from rich.text import Text

    numbers = ("precision", "recall", "F1", "TP", "FP", "FN")
    table = new_table("By type, exact typed spans", ("of", "type"), numbers=numbers)
    for kind, tally in (("entities", strict.entity), ("relations", strict.relation)):
        for label, score in tally.by_label().items():
            percentages = (f"{value:.2f}" for value in (score.precision, score.recall, score.f1))
            counts = (str(count) for count in (score.tp, score.fp, score.fn))
            table.add_row(kind, Text(printable(label)), *percentages, *counts)
        table.add_section()
    return table
