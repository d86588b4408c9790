"""keci-evaluate refinement: what the knowledge changed between the two span graphs."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keci.cli.evaluate.evaluate_inputs import (
    EvaluationInputs,
    evaluation_inputs,
    model_argument,
)
from keci.cli.options import common_options

if TYPE_CHECKING:
    from keci.evaluation.analysis import Change, Label, Refinement

_LOGGER = logging.getLogger(__name__)
_SIGNS = {"added": "+", "dropped": "-", "re-typed": "~"}
_EPILOG = """\b
Example:
  keci-evaluate refinement runs/ade --task ade --data ade.json \\
      --ids runs/ade/validation.ids
"""


@click.command("refinement", epilog=_EPILOG)
@model_argument
@click.option("--json", "as_json", is_flag=True, help="Print a JSON line per changed document.")
@evaluation_inputs
@common_options
def refinement(model: Path, as_json: bool, inputs: EvaluationInputs) -> None:
    """Tell what changed from the initial to the final span graph, document by document (Table 6).

    MODEL is a training run, a bundle or the name of a shipped model. A change is "better" where
    the annotation has the final graph's type, or absence, and not the initial one's. Documents
    without change are counted only.
    """
    import orjson

    unchanged, totals = 0, Counter[tuple[str, str, str]]()
    for found in _refinements(inputs, model):
        changes = [("mentions", item) for item in found.mentions]
        changes += [("relations", item) for item in found.relations]
        totals.update((kind, change.kind, change.verdict) for kind, change in changes)
        unchanged += not changes
        if as_json and changes:
            click.echo(orjson.dumps(found.to_record()))
        elif changes:
            _show(found)
    if not as_json:
        _show_totals(totals)
    _LOGGER.info("%d documents are the same in both span graphs", unchanged)


def _refinements(inputs: EvaluationInputs, model: Path) -> "Iterator[Refinement]":
    from keci.decoding import initial_scores
    from keci.evaluation.analysis import refine, refined_scores

    annotated = inputs.load()
    golds = [document.extraction for document in annotated.gold.documents]
    readings = inputs.open_model(model, annotated).readings(
        (gold.document for gold in golds), (initial_scores, refined_scores)
    )
    for gold, (initial, final) in zip(golds, readings, strict=True):
        yield refine(initial, final, gold, annotated.gold.schema)


def _show(found: "Refinement") -> None:
    from rich.console import Console

    lines = [f"{found.id}: {found.text}"]
    lines += [_line("mention", change) for change in found.mentions]
    lines += [_line("relation", change) for change in found.relations]
    console = Console(highlight=False, markup=False, emoji=False)
    console.print("\n".join(lines), "", sep="\n", soft_wrap=True)


def _line(what: str, change: "Change") -> str:
    spans = " -> ".join(
        f'"{mention.text}" {mention.start}:{mention.end}' for mention in change.spans
    )
    labels = " => ".join(_labels((change.before, change.after)))
    concept = change.concept
    explained = f"; {concept.id} {concept.name} {concept.weight:.2f}" if concept else ""
    return f"  {_SIGNS[change.kind]} {what} {spans}: {labels}{explained} [{change.verdict}]"


def _labels(labels: "Iterable[Label | None]") -> Iterator[str]:
    for label in labels:
        if label is not None:
            yield label.type if label.score is None else f"{label.type} {label.score:.2f}"


def _show_totals(totals: Counter[tuple[str, str, str]]) -> None:
    from rich.console import Console

    from keci.cli.tables import new_table

    verdicts = ("better", "worse", "neither")
    table = new_table("Changes", ("of", "change"), numbers=("all", *verdicts))
    for kind in ("mentions", "relations"):
        for change in _SIGNS:
            counts = [totals[kind, change, verdict] for verdict in verdicts]
            table.add_row(kind, change, str(sum(counts)), *map(str, counts))
    Console(highlight=False).print(table)
