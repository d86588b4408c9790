"""keci-evaluate: a checkpoint, a bundle or a file of predictions, scored on annotated data."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keci.cli.options import common_options
from keci.documents import Extraction
from keci.errors import UsageError

if TYPE_CHECKING:
    from keci.training.scoring import Evaluation

_EPILOG = """\b
Examples:
  keci-evaluate runs/ade --task ade --data train.json --ids runs/ade/validation.ids
  keci-evaluate --predictions out.jsonl --task biorelex --data dev.json --json
"""


@click.command(epilog=_EPILOG)
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option(
    "--predictions",
    type=click.Path(path_type=Path),
    help="Score this file instead of a model: KECI jsonl or the task's own format.",
)
@click.option("--task", required=True, help="ade, biorelex, or a schema file in TOML.")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Annotated documents.")
@click.option(
    "--ids",
    type=click.Path(path_type=Path),
    help="File with the ids of the documents of --data to use, one a line.",
)
@click.option(
    "--kb",
    type=click.Path(path_type=Path),
    help="Knowledge base folder; the default one if not given.",
)
@click.option("--no-kb", is_flag=True, help="Run the model without a knowledge base.")
@click.option("--precision", help="Precision of a bundle; its default one if not given.")
@click.option("--output", type=click.Path(path_type=Path), help="Write the predictions as jsonl.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@common_options
def main(
    model: Path | None,
    predictions: Path | None,
    task: str,
    data: Path,
    ids: Path | None,
    kb: Path | None,
    no_kb: bool,
    precision: str | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Score MODEL (a training run or a bundle) on annotated data by the task's metric."""
    from keci.cli.models import open_predictor
    from keci.schema import load_schema
    from keci.training.datasets import load_dataset
    from keci.training.predictions import load_predictions
    from keci.training.scoring import evaluate
    from keci.training.splits import select_documents

    if (model is None) == (predictions is None):
        raise UsageError("give either a MODEL or --predictions FILE")
    schema = load_schema(task)
    dataset = load_dataset(data, schema)
    gold = select_documents(dataset, ids) if ids else dataset
    if predictions is not None:
        predicted: Sequence[Extraction] = load_predictions(predictions, schema, gold=gold)
    elif model is not None:
        predictor = open_predictor(model, kb=kb, without_kb=no_kb, precision=precision)
        if predictor.schema.to_record() != schema.to_record():
            raise UsageError(f"{model} was trained for the task {predictor.schema.name!r}")
        predicted = list(predictor(document.extraction.document for document in gold.documents))
    if output is not None:
        _write(predicted, output)
    _show(evaluate(gold, predicted), as_json=as_json)


def _show(evaluation: "Evaluation", *, as_json: bool) -> None:
    import orjson
    from rich.console import Console

    if as_json:
        click.echo(orjson.dumps(evaluation.to_record()))
    else:
        Console().print(evaluation.table())


def _write(predictions: Sequence[Extraction], path: Path) -> None:
    from keci.corpus.writers import JsonlWriter

    with JsonlWriter(str(path)) as writer:
        for extraction in predictions:
            writer.write(extraction)
