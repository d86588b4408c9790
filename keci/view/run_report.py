"""The report of a training run: curves over its epochs, F1 by type, confusion, attention.

It is drawn from the files of the run's folder alone, so that a run of any age can be looked at.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from keci.documents import Extraction
from keci.errors import DataError, UsageError
from keci.view.comparison import compare
from keci.view.page import render
from keci.view.page_data import undirected_types

METRICS_FILE = "metrics.csv"
SCORES_FILE = "scores.json"
VALIDATION_FILE = "validation.json"
REPORT_FILE = "report.html"
REFRESH_SECONDS = 30
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 700, 260, 44, 170, 12, 28
_NAMES = {
    "entity_f1": "entity F1",
    "relation_f1": "relation F1",
    "strict_entity_f1": "strict entity F1",
    "strict_relation_f1": "strict relation F1",
    "loss": "loss",
}


@dataclass(frozen=True, slots=True)
class _Curve:
    """One column of metrics.csv: a path through its points, and where its name stands."""

    name: str
    path: str
    last: float
    x: float
    y: float
    colour: int


def validation_record(
    gold: Sequence[Extraction], predicted: Sequence[Extraction], attention: dict[str, Any] | None
) -> dict[str, Any]:
    """What VALIDATION_FILE holds: F1 and confusion by type, ``attention`` by semantic type."""
    relation_types = {relation.type for item in gold for relation in item.relations}
    _, found = compare(gold, predicted, undirected=undirected_types(relation_types))
    return {
        "entities": found.entities.table(),
        "relations": found.relations.table(),
        "attention": attention,
    }


def write_report(folder: Path, validation: dict[str, Any]) -> None:
    """Leave VALIDATION_FILE and REPORT_FILE in the folder of a run that has come this far."""
    (folder / VALIDATION_FILE).write_text(json.dumps(validation), "utf-8")
    (folder / REPORT_FILE).write_text(run_page(folder), "utf-8")


def run_page(folder: Path, *, title: str | None = None) -> str:
    """The report of the run in ``folder``; raises UsageError where no epoch was finished."""
    metrics = _read_metrics(folder)
    scores = _read_json(folder / SCORES_FILE)
    columns = [name for name in metrics[0] if name != "epoch"]
    epochs = [int(row["epoch"]) for row in metrics]
    f1 = [name for name in columns if name != "loss"]
    return render(
        "run.html",
        title=title or f"Training run {folder.resolve().name}",
        refresh=None if scores else REFRESH_SECONDS,
        epochs=epochs,
        columns=[_NAMES.get(name, name) for name in columns],
        rows=[[row[name] for name in columns] for row in metrics],
        charts=[
            _chart("F1 in percent on the validation documents", epochs, _column(metrics, f1)),
            _chart("Mean loss of a training document", epochs, _column(metrics, ["loss"])),
        ],
        validation=_read_json(folder / VALIDATION_FILE),
        scores=_flat(scores) if scores else None,
    )


def _column(metrics: list[dict[str, float]], names: Sequence[str]) -> dict[str, list[float]]:
    return {name: [row[name] for row in metrics] for name in names if name in metrics[0]}


def _chart(title: str, epochs: list[int], columns: dict[str, list[float]]) -> dict[str, Any]:
    """Curves in one pair of axes, from zero up to a round number."""
    highest = _rounded_up(
        max((value for values in columns.values() for value in values), default=1)
    )
    last = max(epochs[-1], 2)

    def x(epoch: float) -> float:
        return _LEFT + (epoch - 1) / (last - 1) * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - value / highest * (_HEIGHT - _TOP - _BOTTOM)

    curves = []
    for colour, (name, values) in enumerate(columns.items()):
        points = [
            f"{x(epoch):.1f},{y(value):.1f}" for epoch, value in zip(epochs, values, strict=True)
        ]
        path = f"M{'L'.join(points)}"
        at = (x(epochs[-1]), y(values[-1]))
        curves.append(_Curve(_NAMES.get(name, name), path, values[-1], *at, colour))
    marks = [highest * part / 4 for part in range(5)]
    steps = sorted({1, *range(0, last + 1, max(1, last // 10)), last} - {0})
    return {
        "title": title,
        "width": _WIDTH,
        "height": _HEIGHT,
        "left": _LEFT,
        "right": _WIDTH - _RIGHT,
        "bottom": _HEIGHT - _BOTTOM,
        "lines": [{"y": y(mark), "value": f"{mark:g}"} for mark in marks],
        "steps": [{"x": x(step), "value": step} for step in steps],
        "curves": _apart(curves),
    }


def _apart(curves: list[_Curve]) -> list[dict[str, Any]]:
    """The curves with their names at least a line of text apart."""
    placed: list[dict[str, Any]] = []
    for curve in sorted(curves, key=lambda item: item.y):
        lowest = placed[-1]["name_y"] + 13 if placed else 0.0
        shown = {"name": curve.name, "path": curve.path, "last": curve.last, "colour": curve.colour}
        placed.append({**shown, "x": curve.x, "y": curve.y, "name_y": max(curve.y + 4, lowest)})
    return placed


def _rounded_up(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten, or 100 for percentages above 50."""
    power = 1.0
    while power * 10 <= value:
        power *= 10
    while power > value > 0:
        power /= 10
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def _read_metrics(folder: Path) -> list[dict[str, float]]:
    path = folder / METRICS_FILE
    if not path.is_file():
        raise UsageError(f"{folder} holds no {METRICS_FILE}: no epoch of a run is finished there")
    with path.open(newline="", encoding="utf-8") as lines:
        try:
            rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(lines)]
        except (TypeError, ValueError, csv.Error) as error:
            raise DataError(f"{path} is no table of numbers: {error}") from error
    if not rows or "epoch" not in rows[0]:
        raise UsageError(f"{path} has no finished epoch")
    return rows


def _read_json(path: Path) -> dict[str, Any] | None:
    """What a file holds, None where there is no such file."""
    if not path.is_file():
        return None
    try:
        record = orjson.loads(path.read_bytes())
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}") from error
    if not isinstance(record, dict):
        raise DataError(f"{path} must hold an object, found {type(record).__name__}")
    return record


def _flat(record: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """A record of records as rows of names and values."""
    rows: list[tuple[str, Any]] = []
    for name, value in record.items():
        path = f"{before} {name}".strip().replace("_", " ")
        rows += _flat(value, path) if isinstance(value, dict) else [(path, value)]
    return rows
