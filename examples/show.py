"""Show extraction output on the terminal: one table of entities and relations per document.

Usage: python examples/show.py OUT.jsonl
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from keci.cli.options import errors_told
from keci.documents import Extraction, Mention
from keci.printable import printable

TITLE_WIDTH = 90


def read_extractions(path: Path) -> Iterator[Extraction]:
    """The records of a file, in order; raises DataError on a line that is none."""
    with path.open("rb") as lines:
        for line in lines:
            yield Extraction.from_record(orjson.loads(line))


def entity_table(extraction: Extraction) -> Table:
    """Each name with its type, how often it occurs, and the concept that weighs most."""
    counts = Counter((mention.text, mention.type) for mention in extraction.mentions)
    first = {(mention.text, mention.type): mention for mention in reversed(extraction.mentions)}
    table = Table("entity", "type", "times", "concept", "weight")
    for (name, kind), count in counts.items():
        concept, weight = best_concept(first[name, kind])
        table.add_row(_cell(name), _cell(kind), str(count), _cell(concept), weight)
    return table


def relation_table(extraction: Extraction) -> Table:
    """Each pair of related names with how often it was found and its highest score."""
    mentions = {mention.id: mention for mention in extraction.mentions}
    scores: dict[tuple[str, str, str], list[float]] = {}
    for relation in extraction.relations:
        key = (mentions[relation.head].text, relation.type, mentions[relation.tail].text)
        scores.setdefault(key, []).append(relation.score or 0.0)
    table = Table("head", "relation", "tail", "times", "score")
    for (head, kind, tail), found in scores.items():
        row = (_cell(head), _cell(kind), _cell(tail), str(len(found)), f"{max(found):.2f}")
        table.add_row(*row)
    return table


def best_concept(mention: Mention) -> tuple[str, str]:
    """Name and attention weight of the concept that the model looked at most."""
    if not mention.concepts:
        return "", ""
    best = max(mention.concepts, key=lambda concept: concept.weight)
    return f"{best.name} ({best.id})", f"{best.weight:.2f}"


def _cell(text: str) -> Text:
    """A text of unknown origin, with nothing in it that a terminal or rich would obey."""
    return Text(printable(text))


def main(path: Path) -> None:
    """Print all documents of the file."""
    console = Console(highlight=False)
    for extraction in read_extractions(path):
        title = printable(extraction.text.partition("\n")[0][:TITLE_WIDTH])
        console.print(Text(f"\n{printable(extraction.id)}: {title}", style="bold"))
        for table, things in (
            (entity_table(extraction), "entities"),
            (relation_table(extraction), "relations"),
        ):
            console.print(table if table.row_count else f"no {things} found")


if __name__ == "__main__":
    with errors_told():
        main(Path(sys.argv[1]))
