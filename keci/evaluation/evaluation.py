"""Predictions scored against gold documents: the task's own metric, and strict figures beside."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rich.table import Table

from keci.data.gold import GoldDataset
from keci.documents import Extraction
from keci.errors import DataError
from keci.evaluation import biored, biorelex
from keci.evaluation import strict as typed
from keci.evaluation.tally import MacroScore, Score, Tally
from keci.schema import TaskSchema

_LOGGER = logging.getLogger(__name__)
_SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """Entities and relations by one set of rules."""

    entity: Tally
    relation: Tally

    def to_record(self) -> dict[str, Any]:
        entity, relation = self.entity.score(), self.relation.score()
        return {"entity": entity.to_record(), "relation": relation.to_record()}


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """How good predictions are.

    ``official`` follows the metric of the task, ``strict`` is micro F1 over exact typed spans.
    ``missing_as_false_negative`` exists for BioRelEx, whose official script skips the documents
    without prediction (``missing_ids``); everywhere else what they hold counts as missed.
    ``untyped`` exists for BioRED: spans whatever their type, and pairs of concepts whatever the
    relation's.
    """

    schema: TaskSchema
    document_ids: tuple[str, ...]
    missing_ids: tuple[str, ...]
    official: Figures
    strict: Figures
    missing_as_false_negative: Figures | None = None
    untyped: Figures | None = None

    @property
    def entity(self) -> Score | MacroScore:
        return self.official.entity.score()

    @property
    def relation(self) -> Score | MacroScore:
        return self.official.relation.score()

    @property
    def strict_entity(self) -> Score | MacroScore:
        return self.strict.entity.score()

    @property
    def strict_relation(self) -> Score | MacroScore:
        return self.strict.relation.score()

    def to_record(self) -> dict[str, Any]:
        """The stable json form; every percentage lies in 0..100."""
        record = {
            "task": self.schema.name,
            "metric": self.schema.metric,
            "documents": len(self.document_ids),
            **self.official.to_record(),
            "strict": self.strict.to_record(),
        }
        if self.missing_as_false_negative is not None:
            record["missing_as_false_negative"] = self.missing_as_false_negative.to_record()
        if self.untyped is not None:
            record["untyped"] = self.untyped.to_record()
        return record

    def table(self) -> Table:
        """The figures for a person to read."""
        title = f"{self.schema.name}: {len(self.document_ids)} documents"
        table = Table("metric", "of", title=title)
        for name in ("precision", "recall", "F1", "TP", "FP", "FN"):
            table.add_column(name, justify="right")
        for name, figures in self._named_figures():
            _add_row(table, (name, "entities"), figures.entity)
            _add_row(table, (name, "relations"), figures.relation)
        return table

    def _named_figures(self) -> list[tuple[str, Figures]]:
        named = [(self.schema.metric, self.official)]
        if self.missing_as_false_negative is not None and self.missing_ids:
            named.append(("missing = FN", self.missing_as_false_negative))
        if self.untyped is not None:
            named.append(("untyped", self.untyped))
        return [*named, ("strict", self.strict)]


def evaluate(
    gold: GoldDataset, predictions: Sequence[Extraction] | Mapping[str, Extraction]
) -> Evaluation:
    """Score predictions, matched to the gold documents by id.

    Raises DataError where two predictions have one id, or one has no gold document or another
    text than it. Documents without prediction are reported in the log.
    """
    predicted = _by_id(gold, predictions)
    extractions = [(document.extraction, predicted.get(document.id)) for document in gold.documents]
    missing = tuple(item.id for item in gold.documents if item.id not in predicted)
    if missing:
        message = "%d of %d documents have no prediction: %s"
        _LOGGER.warning(message, len(missing), len(gold.documents), _listed(missing))
    official, strict = _typed(gold.schema, extractions)
    unskipped = untyped = None
    if gold.schema.metric == "biorelex":
        official = _biorelex(gold, predicted, skip_missing=True)
        unskipped = _biorelex(gold, predicted, skip_missing=False)
    if gold.schema.metric == "biored":
        official, untyped = _biored(gold, predicted, strict)
    ids = tuple(document.id for document in gold.documents)
    return Evaluation(gold.schema, ids, missing, official, strict, unskipped, untyped)


def _typed(schema: TaskSchema, pairs: Sequence[typed.Pair]) -> tuple[Figures, Figures]:
    """The figures of a typed metric (ADE's is macro over the types), and the strict ones."""
    entity = typed.tally_mentions(schema, pairs, macro=False)
    relation = typed.tally_relations(schema, pairs, macro=False)
    strict = Figures(entity, relation)
    if schema.metric != "ade":
        return strict, strict
    macro = Figures(
        Tally(entity.labels, entity.counts, macro=True),
        Tally(relation.labels, relation.counts, macro=True),
    )
    return macro, strict


def _biorelex(
    gold: GoldDataset, predicted: Mapping[str, Extraction], *, skip_missing: bool
) -> Figures:
    pairs = [(document, predicted.get(document.id)) for document in gold.documents]
    return Figures(
        biorelex.tally_mentions(pairs, skip_missing=skip_missing),
        biorelex.tally_interactions(pairs, skip_missing=skip_missing),
    )


def _biored(
    gold: GoldDataset, predicted: Mapping[str, Extraction], strict: Figures
) -> tuple[Figures, Figures]:
    """The figures with types and those without."""
    pairs = [(document, predicted.get(document.id)) for document in gold.documents]
    typed_figures = Figures(strict.entity, biored.tally_relations(gold.schema, pairs))
    return typed_figures, Figures(biored.tally_spans(pairs), biored.tally_pairs(pairs))


def _by_id(
    gold: GoldDataset, predictions: Sequence[Extraction] | Mapping[str, Extraction]
) -> dict[str, Extraction]:
    items = predictions.values() if isinstance(predictions, Mapping) else predictions
    predicted: dict[str, Extraction] = {}
    for item in items:
        if item.id in predicted:
            raise DataError(f"two predictions have the id {item.id!r}")
        predicted[item.id] = item
    texts = {document.id: document.extraction.text for document in gold.documents}
    foreign = [item_id for item_id in predicted if item_id not in texts]
    if foreign:
        problem = (
            f"{len(foreign)} of {len(predicted)} predictions have ids that are not in the gold"
        )
        raise DataError(f"{problem} data: {_listed(foreign)}")
    for item in predicted.values():
        if item.text != texts[item.id]:
            raise DataError(
                f"the prediction for {item.id!r} has another text than the gold document: expected "
                f"{texts[item.id][:60]!r}, got {item.text[:60]!r}"
            )
    return predicted


def _listed(ids: Sequence[str]) -> str:
    shown = ", ".join(repr(item) for item in islice(ids, _SHOWN))
    return shown if len(ids) <= _SHOWN else f"{shown} and {len(ids) - _SHOWN} more"


def _add_row(table: Table, names: tuple[str, str], tally: Tally) -> None:
    score = tally.score()
    counts = (score.tp, score.fp, score.fn) if isinstance(score, Score) else ("", "", "")
    percentages = (f"{value:.2f}" for value in (score.precision, score.recall, score.f1))
    table.add_row(*names, *percentages, *(str(count) for count in counts))
