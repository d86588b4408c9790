"""keci-evaluate: a checkpoint, a bundle or a file of predictions, scored on annotated data."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keci.cli.completion import completed_first, shipped_models
from keci.cli.evaluate.evaluate_attention import attention
from keci.cli.evaluate.evaluate_calibration import calibration
from keci.cli.evaluate.evaluate_compare import compare_sources
from keci.cli.evaluate.evaluate_inputs import EvaluationInputs, evaluation_inputs, read_predictions
from keci.cli.evaluate.evaluate_refinement import refinement
from keci.cli.options import CommandWithSubcommands, WholeNumber, common_options
from keci.documents import Extraction
from keci.errors import UsageError

if TYPE_CHECKING:
    from keci.evaluation import Evaluation

_EPILOG = """\b
Examples:
  keci-evaluate runs/ade --task ade --data train.json \\
      --ids runs/ade/validation.ids
  keci-evaluate out.jsonl --task biorelex --data dev.json --json
  keci-evaluate --compare 'runs/text-*' 'runs/full-*' \\
      --task biorelex --data dev.json
  keci-evaluate attention runs/ade --task ade --data train.json
"""


@click.command(cls=CommandWithSubcommands, epilog=_EPILOG)
@click.argument(
    "model",
    required=False,
    type=click.Path(path_type=Path),
    shell_complete=completed_first(shipped_models),
)
@click.option(
    "--predictions",
    type=click.Path(path_type=Path),
    help="Score this file instead of a model: KECI jsonl or the task's own format.",
)
@click.option(
    "--compare",
    "compared",
    nargs=2,
    multiple=True,
    metavar="A B",
    help="Test whether B is better than A. Each is a run, bundle, file or, for the mean of several "
    "(seeds), a quoted pattern; repeat the option to add to both sides.",
)
@click.option(
    "--each",
    is_flag=True,
    help="Each --compare is a test of its own, and p-values are corrected for their number "
    "(Holm), figure by figure.",
)
@click.option("--output", type=click.Path(path_type=Path), help="Write the predictions as jsonl.")
@click.option(
    "--resamples",
    type=WholeNumber(1),
    default=10_000,
    show_default=True,
    help="Resamples of the documents for intervals and tests.",
)
@click.option(
    "--seed", type=WholeNumber(0), default=1, show_default=True, help="Seed of the resampling."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@evaluation_inputs
@common_options
def main(
    model: Path | None,
    predictions: Path | None,
    compared: tuple[tuple[str, str], ...],
    each: bool,
    output: Path | None,
    resamples: int,
    seed: int,
    as_json: bool,
    inputs: EvaluationInputs,
) -> None:
    """Score MODEL on annotated data by the task's metric, or compare several.

    MODEL is a training run, a bundle, the name of a shipped model or a file of predictions.
    """
    if bool(model) + bool(predictions) + bool(compared) != 1:
        raise UsageError("give either a MODEL or --predictions FILE, or else --compare A B")
    if each and not compared:
        raise UsageError("--each goes with --compare A B, given once for every comparison")
    if compared:
        if output is not None:
            raise UsageError("--output writes the predictions of one model; leave out --compare")
        compare_sources(
            inputs, compared, each=each, resamples=resamples, seed=seed, as_json=as_json
        )
        return
    from keci.evaluation import evaluate
    from keci.targets import check_output

    if output is not None:
        check_output(str(output), inputs.read_files(model or predictions))
    annotated = inputs.load()
    if predictions is not None:
        predicted = read_predictions(predictions, annotated)
    elif model is not None:
        predicted = inputs.predictions(model, annotated)
    if output is not None:
        _write(predicted, output)
    evaluation = evaluate(annotated.gold, predicted)
    _show(evaluation, resamples=resamples, seed=seed, as_json=as_json)


for _subcommand in (attention, calibration, refinement):
    main.add_subcommand(_subcommand)


def _show(evaluation: "Evaluation", *, resamples: int, seed: int, as_json: bool) -> None:
    import orjson
    from rich.console import Console

    from keci.cli.tables import intervals_table, shown_names, types_table
    from keci.evaluation.significance import confidence_interval, named_tallies

    intervals = {
        name: confidence_interval(tally, resamples=resamples, seed=seed)
        for name, tally in named_tallies(evaluation).items()
    }
    if as_json:
        record = {
            **evaluation.to_record(),
            "intervals": {name: interval.to_record() for name, interval in intervals.items()},
            "types": _types_record(evaluation),
        }
        click.echo(orjson.dumps(record))
        return
    console = Console(highlight=False)
    console.print(evaluation.table())
    shown = shown_names(intervals, any_missing=bool(evaluation.missing_ids))
    console.print(intervals_table({name: intervals[name] for name in shown}))
    console.print(types_table(evaluation.strict))


def _types_record(evaluation: "Evaluation") -> dict[str, dict[str, object]]:
    strict = evaluation.strict
    return {
        kind: {label: score.to_record() for label, score in tally.by_label().items()}
        for kind, tally in (("entity", strict.entity), ("relation", strict.relation))
    }


def _write(predictions: Sequence[Extraction], path: Path) -> None:
    from keci.formats.jsonl import JsonlWriter

    with JsonlWriter(str(path)) as writer:
        for extraction in predictions:
            writer.write(extraction)
