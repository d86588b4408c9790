"""keci-graph: the extractions of a corpus as one graph of concepts."""

import logging
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keci.cli.options import WholeNumber, common_options, show_progress
from keci.cli.tables import print_table
from keci.errors import UsageError
from keci.printable import numbered
from keci.progress import ProgressDisplay

if TYPE_CHECKING:
    from keci.graph.counting import CorpusGraph, Totals

_LOGGER = logging.getLogger(__name__)
_PREFIX = re.compile(r"[A-Za-z_][\w.-]*")
FORMATS = ("kgx", "neo4j", "parquet", "graphml")
_EPILOG = """\b
Examples:
  keci-graph entities.jsonl -o graph/                   (KGX TSV)
  keci-graph entities/ -o graph/ --format neo4j --format parquet
  keci-graph entities/ -o graph/ --publications PMID    (ids are PubMed's)
  keci-graph entities.jsonl --top 20                    (a table, no files)
"""


@click.command(epilog=_EPILOG)
@click.argument("output_of_extract", metavar="OUT", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for the graph.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(FORMATS),
    help="Repeat for several; kgx if not given.",
)
@click.option("--top", type=WholeNumber(1), help="Print the strongest edges, this many.")
@click.option(
    "--mapping",
    "mappings",
    multiple=True,
    type=click.Path(path_type=Path),
    help="TOML file with Biolink categories and predicates, beside those of the shipped models.",
)
@click.option(
    "--min-weight",
    type=click.FloatRange(0, 1),
    default=0.2,
    show_default=True,
    help="Attention that the concepts of a mention need to stand for it; else its text does.",
)
@click.option("--linked-only", is_flag=True, help="Leave out what no concept stands for.")
@click.option("--publications", metavar="PREFIX", help="List an edge's documents, as PREFIX:id.")
@click.option(
    "--memory", default="1GB", show_default=True, help="What the database may take; rest on disk."
)
@common_options
def main(
    output_of_extract: Path,
    output: Path | None,
    formats: tuple[str, ...],
    top: int | None,
    mappings: tuple[Path, ...],
    min_weight: float,
    linked_only: bool,
    publications: str | None,
    memory: str,
) -> None:
    """Make a graph of concepts out of OUT, a file or folder of keci-extract.

    A node is the concept that a mention pays most attention to, else its text; an edge is a
    relation of two nodes with its evidence. Negated and speculated relations are edges of their
    own.
    """
    from keci.graph.counting import CorpusGraph
    from keci.graph.mapping import load_mapping

    _check_usage(output, top, formats, publications)
    with _workplace(output) as folder:
        graph = CorpusGraph(
            folder,
            load_mapping(mappings),
            min_weight=min_weight,
            linked_only=linked_only,
            memory=memory,
        )
        try:
            totals = _count(graph, output_of_extract)
            if output is not None:
                _write(graph, output, formats or ("kgx",), publications)
            if top is not None:
                _print_strongest(graph, top)
        finally:
            graph.close()
    _report(totals)


def _check_usage(
    output: Path | None, top: int | None, formats: tuple[str, ...], publications: str | None
) -> None:
    """What can be told before anything is read."""
    if output is None:
        if top is None:
            raise UsageError("expected -o FOLDER for the graph's files, or --top N for a table")
        if formats or publications:
            raise UsageError("--format and --publications are for files: expected -o FOLDER")
    elif output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{output} exists and is not an empty folder")
    if publications is not None and not _PREFIX.fullmatch(publications):
        raise UsageError(f"expected --publications as PMID or DOI, got {publications!r}")


@contextmanager
def _workplace(output: Path | None) -> Iterator[Path]:
    """A folder for the database, on the disk where the graph goes; it is removed at the end."""
    beside = output.resolve().parent if output is not None else None
    if beside is not None:
        beside.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".keci-graph-", dir=beside) as folder:
        yield Path(folder)


def _count(graph: "CorpusGraph", path: Path) -> "Totals":
    from keci.corpus.run.finished import read_output

    with ProgressDisplay("reading", is_shown=show_progress()) as progress:
        for number, extraction in enumerate(read_output(path), start=1):
            graph.add(extraction)
            progress.update(f"{number:,} documents")
    return graph.finish()


def _write(
    graph: "CorpusGraph", output: Path, formats: tuple[str, ...], publications: str | None
) -> None:
    from keci.files import whole_folder
    from keci.graph.writers import WRITERS

    with whole_folder(output) as folder:
        for name in dict.fromkeys(formats):
            WRITERS[name](graph, folder, publications)


def _print_strongest(graph: "CorpusGraph", most: int) -> None:
    rows = [
        (head, edge.type, tail, edge.assertion, edge.documents, edge.mentions, f"{edge.score:.3f}")
        for edge, head, tail in graph.strongest(most)
    ]
    if not rows:
        _LOGGER.warning("no relations were found, so there is no table of them")
        return
    columns = ("head", "relation", "tail", "assertion", "documents", "mentions", "score")
    print_table("Strongest relations", columns, rows)


def _report(totals: "Totals") -> None:
    _LOGGER.info(
        "%s: %s of %s, %s in %s",
        numbered(totals.documents, "document"),
        numbered(totals.mentions, "mention"),
        numbered(totals.nodes, "node"),
        numbered(totals.relations, "relation"),
        numbered(totals.edges, "edge"),
    )
