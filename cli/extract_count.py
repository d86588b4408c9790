"""keci-extract --dry-run: what the inputs hold, without a model."""

from dataclasses import astuple, dataclass

import click

from keci.cli.extract_stop import StopSignals
from keci.cli.options import EXIT_SOME_FAILED
from keci.cli.tables import print_table
from keci.corpus.quarantine import Quarantine
from keci.corpus.records import Withdrawal
from keci.corpus.stream import CorpusReader
from keci.documents import Failure


@dataclass(slots=True)
class SourceCounts:
    """What was read from one input."""

    records: int = 0
    failed: int = 0
    withdrawn: int = 0
    empty: int = 0
    characters: int = 0


def count_records(reader: CorpusReader) -> int:
    """Read everything, log what fails, and print a table; the exit code."""
    counts = {source.name: SourceCounts() for source in reader.sources}
    reader.take_census()
    with StopSignals() as signals, Quarantine(None) as quarantine:
        for record in reader.read():
            count = counts[record.source]
            count.records += 1
            if isinstance(record.content, Failure):
                count.failed += 1
                quarantine.add(record.content, record.ordinal)
            elif isinstance(record.content, Withdrawal):
                count.withdrawn += 1
            else:
                count.characters += len(record.content.text)
                count.empty += not record.content.text.strip()
            if signals.received:
                break
    _show(counts)
    if reader.cursor.repeated:
        click.echo(f"{reader.cursor.repeated} records have an id that came before")
    return EXIT_SOME_FAILED if quarantine.count else 0


def _show(counts: dict[str, SourceCounts]) -> None:
    rows = [(name, *astuple(count)) for name, count in counts.items()]
    total = ("total", *map(sum, zip(*map(astuple, counts.values()), strict=True)))
    columns = ("input", "records", "failed", "withdrawn", "without text", "characters")
    print_table("", columns, [*rows, total] if len(rows) > 1 else rows)
