"""keci-evaluate calibration: how often what has a certain score is right."""

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
    from keci.evaluation.calibration import Calibration

_EPILOG = """\b
Example:
  keci-evaluate calibration runs/ade --task ade --data ade.json \\
      --ids runs/ade/validation.ids
"""


@click.command("calibration", epilog=_EPILOG)
@model_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@evaluation_inputs
@common_options
def calibration(model: Path, as_json: bool, inputs: EvaluationInputs) -> None:
    """Show the share that is right among mentions and relations of a score.

    MODEL is a training run, a bundle, the name of a shipped model or what keci-extract wrote.
    """
    import orjson

    from keci.evaluation.calibration import calibration_of, judged_mentions, judged_relations

    annotated = inputs.load()
    predicted = {item.id: item for item in inputs.predictions(model, annotated)}
    golds = [document.extraction for document in annotated.gold.documents]
    pairs = [(gold, predicted.get(gold.id)) for gold in golds]
    found = {
        "mentions": calibration_of(judged_mentions(pairs)),
        "relations": calibration_of(judged_relations(annotated.gold.schema, pairs)),
    }
    if as_json:
        records = {name: result.to_record() for name, result in found.items()}
        click.echo(orjson.dumps({"task": annotated.gold.schema.name, **records}))
    else:
        for name, result in found.items():
            _show(name, result)


def _show(name: str, found: "Calibration") -> None:
    from rich.console import Console

    from keci.cli.tables import new_table

    table = new_table(
        f"{name}: calibration error {found.error:.3f}",
        ("score",),
        numbers=("found", "mean score", "right"),
    )
    for row in found.bins:
        table.add_row(
            f"{row.low:.1f} to {row.high:.1f}",
            f"{row.count:,}",
            f"{row.mean_score:.2f}",
            f"{row.right:.2f}",
        )
    Console(highlight=False, markup=False, emoji=False).print(table)
