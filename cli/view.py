"""keci-view: extractions as one HTML page that a person can read."""

import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keci.cli.options import WholeNumber, common_options
from keci.errors import UsageError
from keci.printable import numbered

if TYPE_CHECKING:
    from keci.documents import Extraction
    from keci.view.page_data import Define

_LOGGER = logging.getLogger(__name__)
_EPILOG = """\b
Examples:
  keci-view entities.jsonl                         (writes entities.html)
  keci-view entities/ -o page.html --kb kb/open    (with definitions)
  keci-view --compare gold.jsonl entities.jsonl    (missed and spurious)
  keci-view --run runs/ade                         (report of a training)
"""


@click.command(epilog=_EPILOG)
@click.argument("inputs", nargs=-1, metavar="OUT", type=click.Path(path_type=Path))
@click.option("-o", "--output", help="The page; OUT with the ending .html if not given, - stdout.")
@click.option("--compare", is_flag=True, help="Take two inputs, GOLD and PREDICTED.")
@click.option(
    "--run", "is_run", is_flag=True, help="OUT is the folder of a training run: report on it."
)
@click.option(
    "--task", help="Task of GOLD where it is no KECI jsonl: a built-in one, or a schema file."
)
@click.option(
    "--kb",
    type=click.Path(path_type=Path),
    help="Knowledge base folder: definitions of the concepts are shown.",
)
@click.option(
    "--limit",
    type=WholeNumber(1),
    default=1000,
    show_default=True,
    help="Documents of the page at most, the first ones.",
)
@click.option("--title", help="Title of the page.")
@common_options
def main(
    inputs: tuple[Path, ...],
    output: str | None,
    compare: bool,
    is_run: bool,
    task: str | None,
    kb: Path | None,
    limit: int,
    title: str | None,
) -> None:
    """Show the extractions in OUT, a file or folder of keci-extract, as one page of HTML.

    The page is a single file that asks nothing of the network.
    """
    from keci.files import OutputFile
    from keci.targets import check_output

    _check_usage(inputs, compare=compare, is_run=is_run, task=task, kb=kb)
    target = output or _beside(inputs[-1], is_run=is_run)
    check_output(target, _read_files(inputs, task, kb, is_run=is_run))
    if compare:
        page = _comparison(*inputs, task=task, kb=kb, limit=limit, title=title)
    elif is_run:
        page = _report(inputs[0], title)
    else:
        page = _extractions(inputs[0], kb=kb, limit=limit, title=title)
    content = page.encode()
    with OutputFile(target) as file:
        file.write(content)
    _LOGGER.info("%s: %s kB", target, f"{math.ceil(len(content) / 1000):,}")


def _check_usage(
    inputs: Sequence[Path], *, compare: bool, is_run: bool, task: str | None, kb: Path | None
) -> None:
    if compare and is_run:
        raise UsageError("--compare and --run exclude each other")
    if len(inputs) != (2 if compare else 1):
        what = "GOLD and PREDICTED" if compare else "one OUT"
        raise UsageError(f"expected {what}, got {numbered(len(inputs), 'input')}")
    if task and not compare:
        raise UsageError("--task is for --compare")
    if is_run and kb:
        raise UsageError("--kb is for extractions: the report of a run shows no definitions")
    if is_run and not inputs[0].is_dir():
        raise UsageError(f"there is no folder of a training run at {inputs[0]}")


def _read_files(
    inputs: Sequence[Path], task: str | None, kb: Path | None, *, is_run: bool
) -> Iterator[Path]:
    """What the page is made of; of a training run's folder all but its own page."""
    from keci.corpus.run.finished import output_files

    if is_run:
        yield from (path for path in inputs[0].glob("*") if path.name != "report.html")
    else:
        for path in inputs:
            yield from (path,) if task else output_files(path)
    yield from (Path(path) for path in (task, kb) if path)


def _beside(path: Path, *, is_run: bool) -> str:
    """Where the page goes by default: beside a file or folder, in the folder of a run."""
    if is_run:
        return str(path / "report.html")
    resolved = path.resolve()
    stem = resolved.name if resolved.is_dir() else resolved.name.partition(".")[0]
    return str(resolved.parent / f"{stem or 'page'}.html")


def _extractions(path: Path, *, kb: Path | None, limit: int, title: str | None) -> str:
    from keci.corpus.run.finished import read_output
    from keci.view.document_page import extraction_page

    remaining = iter(read_output(path))
    shown = list(islice(remaining, limit))
    total = len(shown) + sum(1 for _ in remaining)
    if not any(extraction.mentions for extraction in shown):
        _LOGGER.warning("nothing was found in any document of %s", path)
    if total > limit:
        _LOGGER.warning("the page shows the first %d of %d documents (--limit)", limit, total)
    return extraction_page(shown, title=title or path.name, total=total, define=_definitions(kb))


def _comparison(
    gold: Path, predicted: Path, *, task: str | None, kb: Path | None, limit: int, title: str | None
) -> str:
    from keci.corpus.run.finished import read_output
    from keci.view.document_page import comparison_page

    annotated = list(islice(_gold(gold, task), limit))
    ids = {item.id for item in annotated}
    found = [item for item in read_output(predicted) if item.id in ids]
    if not found:
        raise UsageError(f"{predicted} has no document with an id of {gold}")
    name = title or f"{predicted.name} against {gold.name}"
    return comparison_page(annotated, found, title=name, define=_definitions(kb))


def _gold(path: Path, task: str | None) -> "Iterable[Extraction]":
    from keci.corpus.run.finished import read_output

    if task is None:
        return read_output(path)
    from keci.data.datasets import load_dataset
    from keci.schema import load_schema

    return (item.extraction for item in load_dataset(path, load_schema(task)).documents)


def _report(folder: Path, title: str | None) -> str:
    from keci.view.run_report import run_page

    return run_page(folder, title=title)


def _definitions(kb: Path | None) -> "Define | None":
    """Looks up definitions in a knowledge base; those made of a concept's names are no news."""
    if kb is None:
        return None
    from keci.knowledge.choice import knowledge_base_for

    base = knowledge_base_for(kb)

    def define(concept_id: str) -> str | None:
        index = base.find(concept_id)
        return None if index is None else base.tables.definitions[index] or None

    return define
