"""keci-evaluate attention: how much weight a model gives to concepts of each semantic type."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keci.cli.evaluate.evaluate_inputs import (
    Annotated,
    EvaluationInputs,
    evaluation_inputs,
    model_argument,
    read_predictions,
)
from keci.cli.options import WholeNumber, common_options
from keci.documents import Extraction
from keci.errors import UsageError

if TYPE_CHECKING:
    from keci.evaluation.analysis import Attention
    from keci.prediction import Predictor

_EPILOG = """\b
Example:
  keci-evaluate attention runs/ade --task ade --data ade.json \\
      --ids runs/ade/validation.ids
"""


@click.command("attention", epilog=_EPILOG)
@model_argument
@click.option(
    "--mentions",
    type=click.Choice(("predicted", "gold")),
    default="predicted",
    show_default=True,
    help="Look at the mentions that the model finds, or at annotated ones that outlive pruning.",
)
@click.option(
    "--min-concepts",
    type=WholeNumber(1),
    default=1,
    show_default=True,
    help="Leave out types of fewer candidate concepts.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@evaluation_inputs
@common_options
def attention(
    model: Path, mentions: str, min_concepts: int, as_json: bool, inputs: EvaluationInputs
) -> None:
    """Average the attention weights of candidate concepts by semantic type (Table 5).

    MODEL is a training run, a bundle, the name of a shipped model or what keci-extract wrote.
    """
    import orjson

    from keci.evaluation.analysis import attention_by_type

    annotated = inputs.load()
    if model.is_file():
        extractions, names = _from_file(model, annotated, mentions)
    else:
        extractions, names = _from_model(inputs.open_model(model, annotated), annotated, mentions)
    found = attention_by_type(extractions, min_concepts)
    pruned = _span_count(annotated) - found.linked - found.unlinked if mentions == "gold" else 0
    if as_json:
        record = {"task": annotated.gold.schema.name, "of": mentions, **found.to_record()}
        record["types"] = [{**row, "name": names.get(row["code"])} for row in record["types"]]
        click.echo(orjson.dumps({**record, "pruned": pruned}))
    else:
        _show(found, mentions, names)
        if pruned:
            click.echo(f"{pruned:,} annotated mentions were pruned before concepts came in.")


def _span_count(annotated: Annotated) -> int:
    """How many distinct spans are annotated as mentions."""
    return sum(
        len({(mention.start, mention.end) for mention in document.extraction.mentions})
        for document in annotated.gold.documents
    )


def _from_file(
    path: Path, annotated: Annotated, mentions: str
) -> tuple[Iterable[Extraction], Mapping[str, str]]:
    from keci.knowledge.base.vocabulary import TYPE_NAMES

    if mentions == "gold":
        raise UsageError("a file holds predicted mentions; --mentions gold needs a run or bundle")
    return read_predictions(path, annotated), TYPE_NAMES


def _from_model(
    predictor: "Predictor", annotated: Annotated, mentions: str
) -> tuple[Iterable[Extraction], Mapping[str, str]]:
    """The extractions and the names that the knowledge base has for semantic types."""
    from keci.evaluation.analysis import at_mentions_of, kept_span_scores

    knowledge = predictor.builder.knowledge
    names = knowledge.base.type_names if knowledge else {}
    golds = [document.extraction for document in annotated.gold.documents]
    documents = (gold.document for gold in golds)
    if mentions == "predicted":
        return predictor(documents), names
    readings = predictor.readings(documents, (kept_span_scores,))
    found = (at_mentions_of(gold, kept) for gold, (kept,) in zip(golds, readings, strict=True))
    return found, names


def _show(found: "Attention", mentions: str, names: Mapping[str, str]) -> None:
    from rich.console import Console

    from keci.cli.tables import new_table

    table = new_table(
        f"Attention at {mentions} mentions",
        ("type", "name"),
        numbers=("mean weight", "concepts"),
    )
    for row in found.types:
        table.add_row(row.code, names.get(row.code, ""), f"{row.weight:.3f}", f"{row.concepts:,}")
    console = Console(highlight=False, markup=False, emoji=False)
    console.print(table)
    console.print(
        f"The text itself has {found.context_weight:.3f} on average at {found.linked:,} mentions "
        f"with candidates; {found.unlinked:,} mentions have none."
    )
