"""What the concepts do for a model: attention by semantic type, and how a span graph is refined.

These are the paper's Tables 5 and 6. Both read extractions, whose mentions carry their candidate
concepts with the attention weights of Eq 8.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any, Literal

import numpy as np

from keci.decoding import Outputs, SpanGraphScores, final_scores
from keci.documents import ConceptLink, Extraction, Mention
from keci.errors import DataError, UsageError
from keci.schema import TaskSchema

Span = tuple[int, int]
Spans = tuple[Span, ...]
"""The span of a mention, or those of a relation's head and tail."""

Verdict = Literal["better", "worse", "neither"]


@dataclass(frozen=True, slots=True)
class TypeAttention:
    """The mean weight of the candidate concepts that have a semantic type."""

    code: str
    weight: float
    concepts: int


@dataclass(frozen=True, slots=True)
class Attention:
    """Average attention per semantic type, by falling weight (Table 5).

    A concept of several types counts for each. ``context_weight`` is the sentinel's mean share at
    the ``linked`` mentions, those with candidates; at the ``unlinked`` ones it is all of one.
    """

    types: tuple[TypeAttention, ...]
    context_weight: float
    linked: int
    unlinked: int

    def to_record(self) -> dict[str, Any]:
        return {**asdict(self), "types": [asdict(row) for row in self.types]}


def attention_by_type(extractions: Iterable[Extraction], min_concepts: int = 1) -> Attention:
    """Average the attention over all mentions, for types of at least so many concepts.

    Raises DataError where no mention carries any.
    """
    weights: dict[str, list[float]] = defaultdict(list)
    contexts: list[float] = []
    unlinked = 0
    for mention in (mention for extraction in extractions for mention in extraction.mentions):
        if mention.context_weight is None or not mention.concepts:
            unlinked += 1
            continue
        contexts.append(mention.context_weight)
        for concept in mention.concepts:
            for code in concept.types:
                weights[code].append(concept.weight)
    if not contexts:
        raise DataError(f"none of {unlinked} mentions has candidate concepts to pay attention to")
    types = [
        TypeAttention(code, fmean(values), len(values))
        for code, values in weights.items()
        if len(values) >= min_concepts
    ]
    types.sort(key=lambda item: (-item.weight, item.code))
    return Attention(tuple(types), fmean(contexts), len(contexts), unlinked)


def kept_span_scores(outputs: Outputs) -> SpanGraphScores:
    """Scores by which every kept span is a mention of its likeliest type, without relations."""
    scores = final_scores(outputs)
    entities, relations = scores.entities.copy(), np.zeros_like(scores.relations)
    entities[:, 0], relations[:, 0] = -1, 1
    return SpanGraphScores(entities, relations)


def at_mentions_of(gold: Extraction, kept: Extraction) -> Extraction:
    """Those mentions of ``kept`` whose span is a mention in ``gold``, whatever the type."""
    spans = {_span(mention) for mention in gold.mentions}
    chosen = tuple(mention for mention in kept.mentions if _span(mention) in spans)
    return replace(kept, mentions=chosen, relations=())


def refined_scores(outputs: Outputs) -> SpanGraphScores:
    """Scores of the final span graph; raises UsageError where the model makes no second one."""
    if "final_entity_logits" not in outputs:
        raise UsageError(
            "the model has one span graph alone: its knowledge does not make a final one"
        )
    return final_scores(outputs)


@dataclass(frozen=True, slots=True)
class Label:
    """A type with its probability."""

    type: str
    score: float | None


_Labelled = tuple[tuple[Mention, ...], Label]


@dataclass(frozen=True, slots=True)
class Change:
    """A mention (one span) or a relation (head, tail) that the final span graph has otherwise.

    ``before`` is None where it was added, ``after`` where it was dropped. ``concept`` is the
    candidate that had most weight there. ``verdict`` compares with the annotation: whether the
    type, or the absence, is right after but not before ("better"), the reverse, or neither.
    """

    spans: tuple[Mention, ...]
    before: Label | None
    after: Label | None
    concept: ConceptLink | None
    verdict: Verdict

    @property
    def kind(self) -> Literal["added", "dropped", "re-typed"]:
        if self.before is None:
            return "added"
        return "dropped" if self.after is None else "re-typed"

    def to_record(self) -> dict[str, Any]:
        spans = [
            {"start": mention.start, "end": mention.end, "text": mention.text}
            for mention in self.spans
        ]
        where = spans[0] if len(spans) == 1 else dict(zip(("head", "tail"), spans, strict=True))
        return {
            **where,
            "change": self.kind,
            "before": None if self.before is None else asdict(self.before),
            "after": None if self.after is None else asdict(self.after),
            "concept": None if self.concept is None else asdict(self.concept),
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True)
class Refinement:
    """What changed between the two span graphs of one document (Table 6)."""

    id: str
    text: str
    mentions: tuple[Change, ...]
    relations: tuple[Change, ...]

    def to_record(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "text": self.text,
            "entities": [change.to_record() for change in self.mentions],
            "relations": [change.to_record() for change in self.relations],
        }


def refine(
    initial: Extraction, final: Extraction, gold: Extraction, schema: TaskSchema
) -> Refinement:
    """Compare the two decoded span graphs of a document, each change judged by ``gold``.

    A mention is known by its span, a relation by the spans of its ends, whatever their types.
    """
    return Refinement(
        final.id,
        final.text,
        _changes(
            dict(_placed_mentions(initial)),
            dict(_placed_mentions(final)),
            _types(_placed_mentions(gold)),
        ),
        _changes(
            dict(_placed_relations(initial, schema)),
            dict(_placed_relations(final, schema)),
            _types(_placed_relations(gold, schema)),
        ),
    )


def _placed_mentions(graph: Extraction) -> Iterator[tuple[Spans, _Labelled]]:
    for mention in graph.mentions:
        yield (_span(mention),), ((mention,), Label(mention.type, mention.score))


def _placed_relations(graph: Extraction, schema: TaskSchema) -> Iterator[tuple[Spans, _Labelled]]:
    symmetric = {relation.name for relation in schema.relation_types if relation.symmetric}
    mentions = {mention.id: mention for mention in graph.mentions}
    for relation in graph.relations:
        ends = (mentions[relation.head], mentions[relation.tail])
        ordered = tuple(sorted(ends, key=_span)) if relation.type in symmetric else ends
        label = Label(relation.type, relation.score)
        yield tuple(map(_span, ordered)), (ordered, label)


def _span(mention: Mention) -> Span:
    return mention.start, mention.end


def _types(placed: Iterable[tuple[Spans, _Labelled]]) -> dict[Spans, set[str]]:
    """All types at each span or pair of spans, of which annotation may give several."""
    found: dict[Spans, set[str]] = defaultdict(set)
    for spans, (_, label) in placed:
        found[spans].add(label.type)
    return found


def _changes(
    before: Mapping[Spans, _Labelled],
    after: Mapping[Spans, _Labelled],
    gold: Mapping[Spans, set[str]],
) -> tuple[Change, ...]:
    changes = []
    for spans in sorted({*before, *after}):
        old_mentions, old = before.get(spans, ((), None))
        new_mentions, new = after.get(spans, ((), None))
        if old and new and old.type == new.type:
            continue
        mentions = new_mentions or old_mentions
        verdict = _verdict(old, new, gold.get(spans, set()))
        changes.append(Change(mentions, old, new, _weightiest(mentions), verdict))
    return tuple(changes)


def _verdict(before: Label | None, after: Label | None, gold: set[str]) -> Verdict:
    was_right, is_right = (label.type in gold if label else not gold for label in (before, after))
    if was_right == is_right:
        return "neither"
    return "better" if is_right else "worse"


def _weightiest(mentions: Iterable[Mention]) -> ConceptLink | None:
    """The concept with most weight; the first one named among equals."""
    concepts = [concept for mention in mentions for concept in mention.concepts]
    return max(concepts, key=lambda concept: concept.weight, default=None)
