"""keci-evaluate --compare: whether one system is better than another on the same documents."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keci.cli.evaluate.evaluate_inputs import EvaluationInputs
from keci.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from keci.evaluation.significance import Comparison, Side

_LOGGER = logging.getLogger(__name__)
_EXPLANATION = """\
From, to: the 95 % interval of B - A. Two-sided p-values by paired bootstrap
and by approximate randomisation (swapping documents between A and B).
* significant at 95 %, † at 90 % confidence by both tests."""


def compare_sources(
    inputs: EvaluationInputs,
    pairs: Sequence[tuple[str, str]],
    *,
    resamples: int,
    seed: int,
    as_json: bool,
) -> None:
    """Compare the mean F1 of the first sources of all pairs with that of the second ones.

    Raises UsageError where a pattern matches nothing or a source stands on both sides.
    """
    import orjson
    from rich.console import Console

    from keci.evaluation import evaluate
    from keci.evaluation.significance import compare

    baseline, system = (expand(pair[side] for pair in pairs) for side in (0, 1))
    if both := {*baseline} & {*system}:
        raise UsageError(f"{min(both)} stands on both sides of --compare")
    annotated = inputs.load()
    evaluations = {}
    for source in (*baseline, *system):
        _LOGGER.info("scoring %s", source)
        evaluations[source] = evaluate(annotated.gold, inputs.predictions(source, annotated))
    first, second = ([evaluations[source] for source in side] for side in (baseline, system))
    comparisons = compare(first, second, resamples=resamples, seed=seed)
    if as_json:
        record = {
            "task": annotated.gold.schema.name,
            "metric": annotated.gold.schema.metric,
            "documents": len(annotated.gold.documents),
            "baseline": [str(source) for source in baseline],
            "system": [str(source) for source in system],
            "resamples": resamples,
            "seed": seed,
            "figures": {name: item.to_record() for name, item in comparisons.items()},
        }
        click.echo(orjson.dumps(record))
        return
    any_missing = any(evaluation.missing_ids for evaluation in evaluations.values())
    console = Console(highlight=False, markup=False, emoji=False)
    for name, side in (("A", baseline), ("B", system)):
        console.print(f"{name}: {', '.join(map(str, side))}", soft_wrap=True)
    console.print(_table(comparisons, any_missing=any_missing))
    console.print(_EXPLANATION)


def expand(patterns: Iterable[str]) -> list[Path]:
    """The sources that patterns name, each once; raises UsageError on one that matches nothing."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        is_pattern = has_magic(pattern) and not Path(pattern).exists()
        names = sorted(glob(pattern)) if is_pattern else [pattern]
        if not names:
            raise UsageError(f"nothing matches the pattern {pattern!r}")
        found |= {Path(name): None for name in names}
    return list(found)


def _table(comparisons: "Mapping[str, Comparison]", *, any_missing: bool) -> "Table":
    from keci.cli.tables import new_table, readable, shown_names

    numbers = ("A", "B", "B - A", "from", "to", "bootstrap", "swapping")
    table = new_table("F1 on the same documents", ("of",), numbers=numbers)
    for name in shown_names(comparisons, any_missing=any_missing):
        item = comparisons[name]
        table.add_row(
            readable(name),
            _mean(item.baseline),
            _mean(item.system),
            f"{item.difference:+.2f}{item.mark or ' '}",
            f"{item.interval.low:+.2f}",
            f"{item.interval.high:+.2f}",
            f"{item.bootstrap_p:.4f}",
            f"{item.randomisation_p:.4f}",
        )
    return table


def _mean(side: "Side") -> str:
    spread = "" if side.deviation is None else f" ± {side.deviation:.2f}"
    return f"{side.f1:.2f}{spread}"
