"""Predictions beside gold data: what is right, missed, spurious or of another type."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from keci.documents import Extraction, Mention, Relation
from keci.errors import DataError
from keci.view.page_data import Define, PageData, Verdict

Status = Literal["right", "missed", "spurious", "mistyped"]
STATUSES: tuple[Status, ...] = ("right", "missed", "spurious", "mistyped")
NOTHING = "–"
"""In a confusion table: what stands beside a missed or spurious finding."""

Span = tuple[int, int]
Ends = tuple[Span, Span]


@dataclass
class Confusion:
    """How often what gold calls a type (row) is predicted as another (column)."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, gold: str, predicted: str) -> None:
        self.counts[gold, predicted] += 1

    def labels(self) -> list[str]:
        return sorted({label for pair in self.counts for label in pair} - {NOTHING})

    def table(self) -> dict[str, Any]:
        """Rows with a count for each label and for nothing, the diagonal told apart."""
        labels = [*self.labels(), NOTHING]
        rows = [[self.counts[gold, predicted] for predicted in labels] for gold in labels]
        return {"labels": labels, "rows": rows, "scores": [self._score(name) for name in labels]}

    def _score(self, name: str) -> dict[str, Any]:
        """Precision, recall and F1 of a type; those of all types for NOTHING."""
        pairs = self.counts.items()
        right = sum(n for (gold, said), n in pairs if gold == said and name in (gold, NOTHING))
        gold_count = sum(n for (gold, _), n in pairs if gold != NOTHING and name in (gold, NOTHING))
        said_count = sum(n for (_, said), n in pairs if said != NOTHING and name in (said, NOTHING))
        return {
            "name": "all" if name == NOTHING else name,
            "precision": 100 * right / max(said_count, 1),
            "recall": 100 * right / max(gold_count, 1),
            "f1": 200 * right / max(said_count + gold_count, 1),
            "gold": gold_count,
            "predicted": said_count,
        }


@dataclass
class Comparison:
    """Documents of gold data with the findings of both sides in one record each."""

    undirected: frozenset[str] = frozenset()
    entities: Confusion = field(default_factory=Confusion)
    relations: Confusion = field(default_factory=Confusion)

    def merged(
        self, gold: Extraction, predicted: Extraction
    ) -> tuple[Extraction, dict[str, Verdict]]:
        """One record with what either side found, and the verdict on each finding by its id."""
        verdicts: dict[str, Verdict] = {}
        mentions, names = self._mentions(gold.mentions, predicted.mentions, verdicts)
        relations = self._relations(gold, predicted, names, verdicts)
        return replace(predicted, mentions=mentions, relations=relations), verdicts

    def _mentions(
        self,
        gold: Iterable[Mention],
        predicted: Iterable[Mention],
        verdicts: dict[str, Verdict],
    ) -> tuple[tuple[Mention, ...], dict[Span, str]]:
        """The mentions of both, and the id by which a span is drawn."""
        pairs = _matched([(_span(m), m) for m in gold], [(_span(m), m) for m in predicted])
        merged: list[Mention] = []
        names: dict[Span, str] = {}
        for found in _verdicts(pairs, self.entities):
            mention = replace(found.item, id=f"E{len(merged) + 1}")
            verdicts[mention.id] = found.verdict
            names.setdefault(_span(mention), mention.id)
            merged.append(mention)
        return tuple(merged), names

    def _relations(
        self,
        gold: Extraction,
        predicted: Extraction,
        names: Mapping[Span, str],
        verdicts: dict[str, Verdict],
    ) -> tuple[Relation, ...]:
        keyed = [self._keyed(side) for side in (gold, predicted)]
        spans = dict(pair for side in keyed for pair in side[1].items())
        merged: list[Relation] = []
        for found in _verdicts(_matched(keyed[0][0], keyed[1][0]), self.relations):
            head, tail = spans[id(found.item)]
            relation = replace(
                found.item, id=f"R{len(merged) + 1}", head=names[head], tail=names[tail]
            )
            verdicts[relation.id] = found.verdict
            merged.append(relation)
        return tuple(merged)

    def _keyed(self, extraction: Extraction) -> tuple[list[tuple[Ends, Relation]], dict[int, Ends]]:
        """Relations with their ends, sorted where they have no direction; and the ends as drawn."""
        mentions = {mention.id: mention for mention in extraction.mentions}
        drawn = {
            id(relation): (_span(mentions[relation.head]), _span(mentions[relation.tail]))
            for relation in extraction.relations
        }
        keyed = []
        for relation in extraction.relations:
            head, tail = drawn[id(relation)]
            is_turned = relation.type in self.undirected and tail < head
            keyed.append(((tail, head) if is_turned else (head, tail), relation))
        return keyed, drawn


def compare(
    gold: Iterable[Extraction],
    predicted: Iterable[Extraction],
    *,
    undirected: frozenset[str] = frozenset(),
    define: Define | None = None,
) -> tuple[PageData, Comparison]:
    """Set predictions beside the gold documents with their ids, in the order of the gold data.

    Raises DataError where two predictions have one id, or one has another text than its gold
    document. A gold document without prediction is one in which all is missed.
    """
    by_id: dict[str, Extraction] = {}
    for item in predicted:
        if item.id in by_id:
            raise DataError(f"two predictions have the id {item.id!r}")
        by_id[item.id] = item
    data, comparison = PageData(define), Comparison(undirected)
    for item in gold:
        other = by_id.pop(item.id, None) or Extraction(item.id, item.text)
        if other.text != item.text:
            raise DataError(
                f"the prediction for {item.id!r} has another text than the gold document: expected "
                f"{item.text[:60]!r}, got {other.text[:60]!r}"
            )
        data.add(*comparison.merged(item, other))
    if by_id:
        first = next(iter(by_id))
        raise DataError(f"{len(by_id)} predictions have no gold document, as {first!r}")
    return data, comparison


@dataclass(frozen=True, slots=True)
class _Pair:
    """A gold finding and the predicted one that stands for it, or one of them alone."""

    gold: Any
    predicted: Any


@dataclass(frozen=True, slots=True)
class _Judged:
    item: Any
    verdict: Verdict


def _matched(gold: Iterable[tuple[Any, Any]], predicted: Iterable[tuple[Any, Any]]) -> list[_Pair]:
    """Pairs with one key: those of one type first, then what is left; then the others alone."""
    left = _distinct(predicted)
    pairs, waiting = [], []
    for key, item in _distinct(gold):
        same = next((pair for pair in left if pair[0] == key and pair[1].type == item.type), None)
        if same is None:
            waiting.append((key, item))
            continue
        left.remove(same)
        pairs.append(_Pair(item, same[1]))
    for key, item in waiting:
        other = next((pair for pair in left if pair[0] == key), None)
        if other is not None:
            left.remove(other)
        pairs.append(_Pair(item, other[1] if other else None))
    return [*pairs, *(_Pair(None, item) for _, item in left)]


def _distinct(items: Iterable[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """The first of those with one key and type: gold data repeat a span for each concept."""
    first: dict[tuple[Any, str], tuple[Any, Any]] = {}
    for key, item in items:
        first.setdefault((key, item.type), (key, item))
    return list(first.values())


def _verdicts(pairs: Iterable[_Pair], confusion: Confusion) -> Iterator[_Judged]:
    for pair in pairs:
        gold, predicted = pair.gold, pair.predicted
        confusion.add(gold.type if gold else NOTHING, predicted.type if predicted else NOTHING)
        if gold is None:
            yield _Judged(predicted, Verdict("spurious"))
        elif predicted is None:
            yield _Judged(gold, Verdict("missed"))
        elif gold.type == predicted.type:
            yield _Judged(predicted, Verdict("right"))
        else:
            yield _Judged(predicted, Verdict("mistyped", gold.type))


def _span(mention: Mention) -> Span:
    return mention.start, mention.end
