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
* significant at 95 %, † at 90 % confidence by all tests."""
_OVER_RUNS = "Runs: p-value of a bootstrap that draws runs as well as documents."
_HOLM = "Holm: the largest p-value, corrected for so many comparisons; the mark is that one's."


def compare_sources(
    inputs: EvaluationInputs,
    pairs: Sequence[tuple[str, str]],
    *,
    each: bool,
    resamples: int,
    seed: int,
    as_json: bool,
) -> None:
    """Compare the mean F1 of the first sources of all pairs with that of the second ones.

    With ``each``, every pair is a comparison of its own, and p-values are corrected for their
    number. Raises UsageError where a pattern matches nothing or a source stands on both sides.
    """
    import orjson

    from keci.evaluation import evaluate
    from keci.evaluation.significance import compare

    groups = [_sides([pair]) for pair in pairs] if each else [_sides(pairs)]
    annotated = inputs.load()
    evaluations = {}
    for source in dict.fromkeys(source for group in groups for side in group for source in side):
        _LOGGER.info("scoring %s", source)
        evaluations[source] = evaluate(annotated.gold, inputs.predictions(source, annotated))
    compared = [
        compare(
            *([evaluations[source] for source in side] for side in group),
            resamples=resamples,
            seed=seed,
        )
        for group in groups
    ]
    corrected = _corrected(compared) if each else [{} for _ in compared]
    if as_json:
        records = [
            {
                "baseline": [str(source) for source in group[0]],
                "system": [str(source) for source in group[1]],
                "figures": {
                    name: item.to_record() | ({"holm_p": holm[name]} if holm else {})
                    for name, item in figures.items()
                },
            }
            for group, figures, holm in zip(groups, compared, corrected, strict=True)
        ]
        record = {
            "task": annotated.gold.schema.name,
            "metric": annotated.gold.schema.metric,
            "documents": len(annotated.gold.documents),
            "resamples": resamples,
            "seed": seed,
        }
        click.echo(orjson.dumps(record | ({"comparisons": records} if each else records[0])))
        return
    any_missing = any(evaluation.missing_ids for evaluation in evaluations.values())
    _print(groups, compared, corrected, any_missing=any_missing)


def _sides(pairs: Sequence[tuple[str, str]]) -> tuple[list[Path], list[Path]]:
    first, second = (expand(pair[side] for pair in pairs) for side in (0, 1))
    if both := {*first} & {*second}:
        raise UsageError(f"{min(both)} stands on both sides of --compare")
    return first, second


def _corrected(compared: "Sequence[Mapping[str, Comparison]]") -> list[dict[str, float]]:
    """For each comparison the p-values of its figures, each figure's a family of tests."""
    from keci.evaluation.significance import holm

    columns = {name: holm([figures[name].p_value for figures in compared]) for name in compared[0]}
    return [{name: column[row] for name, column in columns.items()} for row in range(len(compared))]


def _print(
    groups: Sequence[tuple[list[Path], list[Path]]],
    compared: "Sequence[Mapping[str, Comparison]]",
    corrected: Sequence[Mapping[str, float]],
    *,
    any_missing: bool,
) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    for group, figures, holm in zip(groups, compared, corrected, strict=True):
        for name, side in zip("AB", group, strict=True):
            console.print(f"{name}: {', '.join(map(str, side))}", soft_wrap=True)
        console.print(_table(figures, holm, any_missing=any_missing))
    console.print(_EXPLANATION)
    if any(item.with_runs for figures in compared for item in figures.values()):
        console.print(_OVER_RUNS)
    if any(corrected):
        console.print(_HOLM)


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


def _table(
    comparisons: "Mapping[str, Comparison]", corrected: Mapping[str, float], *, any_missing: bool
) -> "Table":
    from keci.cli.tables import new_table, readable, shown_names
    from keci.evaluation.significance import mark_of

    has_runs = any(item.with_runs for item in comparisons.values())
    numbers = (
        *("A", "B", "B - A", "from", "to", "bootstrap", "swapping"),
        *(("runs",) if has_runs else ()),
        *(("Holm",) if corrected else ()),
    )
    table = new_table("F1 on the same documents", ("of",), numbers=numbers)
    for name in shown_names(comparisons, any_missing=any_missing):
        item = comparisons[name]
        mark = mark_of(corrected.get(name, item.p_value))
        table.add_row(
            readable(name),
            _mean(item.baseline),
            _mean(item.system),
            f"{item.difference:+.2f}{mark or ' '}",
            f"{item.interval.low:+.2f}",
            f"{item.interval.high:+.2f}",
            f"{item.bootstrap_p:.4f}",
            f"{item.randomisation_p:.4f}",
            *([f"{item.with_runs.p_value:.4f}"] if item.with_runs else []),
            *([f"{corrected[name]:.4f}"] if corrected else []),
        )
    return table


def _mean(side: "Side") -> str:
    spread = "" if side.deviation is None else f" ± {side.deviation:.2f}"
    return f"{side.f1:.2f}{spread}"
