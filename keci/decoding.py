"""From scores to mentions and relations: the best label of each span and pair."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from keci.batch import Batch, Indices, find_keys
from keci.documents import ConceptLink, Extraction, Mention, Relation
from keci.knowledge.store import KnowledgeBase
from keci.schema import RelationType, TaskSchema

Numbers = npt.NDArray[np.float32]
Outputs = Mapping[str, npt.NDArray[Any]]

MOST_NONE = 0.5
"""Probability of "none" below which a span is a mention, and a pair a relation."""

_SCORE_DIGITS = 6


@dataclass(frozen=True, slots=True)
class SpanGraphScores:
    """Probabilities of one span graph: (kept, entity labels) and (pairs, relation labels)."""

    entities: Numbers
    relations: Numbers


def initial_scores(outputs: Outputs) -> SpanGraphScores:
    """Scores of the initial span graph (Eq 2 and 3)."""
    kept_logits = outputs["entity_logits"][outputs["kept_spans"]]
    return SpanGraphScores(_softmax(kept_logits), _softmax(outputs["relation_logits"]))


def final_scores(outputs: Outputs) -> SpanGraphScores:
    """Scores of the final span graph (Eq 9); those of the initial one where there is no other."""
    if "final_entity_logits" not in outputs:
        return initial_scores(outputs)
    return SpanGraphScores(
        _softmax(outputs["final_entity_logits"]), _softmax(outputs["final_relation_logits"])
    )


def best_labels(probabilities: Numbers) -> Indices:
    """The best label of each row of (rows, labels); 0 where label 0 has half or more.

    With many types the best one often has less than "none" while all together have more.
    """
    types = probabilities[:, 1:]
    if not types.shape[1]:
        return np.zeros(len(probabilities), dtype=np.int64)
    best: Indices = types.argmax(1) + 1
    return np.where(probabilities[:, 0] < MOST_NONE, best, 0)


def decode(
    batch: Batch,
    outputs: Outputs,
    scores: SpanGraphScores,
    *,
    schema: TaskSchema,
    base: KnowledgeBase | None = None,
) -> list[Extraction]:
    """Extractions of the batch's texts, in their order.

    A span is a mention, and a pair of mentions a relation, where the first label, "none", has less
    than half of the probability; its type is the best of the others. Ties go to the label that the
    schema names first. Mentions are numbered T1, T2, ... by start, then end, relations R1, R2, ...
    by head, then tail. A symmetric relation is reported once, from the earlier mention, with the
    mean of both directions' probabilities.
    """
    kept = np.flatnonzero(best_labels(scores.entities))
    links = _concept_links(batch, outputs, kept, base) if base else {}
    mentions = {
        place: replace(mention, concepts=links.get(place, ()))
        for place, mention in _mentions(batch, outputs, scores.entities, schema).items()
    }
    relations = _relations(outputs, scores.relations, mentions, schema)
    rows = np.searchsorted(outputs["kept_splits"], kept, side="right") - 1
    return [
        _extraction(batch, row, kept[rows == row].tolist(), mentions, relations)
        for row in range(len(batch.texts))
    ]


def _mentions(
    batch: Batch, outputs: Outputs, entities: Numbers, schema: TaskSchema
) -> dict[int, Mention]:
    """Mentions by their place among the kept spans."""
    labels, splits = best_labels(entities), outputs["span_splits"]
    context = _context_weights(outputs)
    found = {}
    for kept in np.flatnonzero(labels).tolist():
        span = int(outputs["kept_spans"][kept])
        row = int(np.searchsorted(splits, span, side="right")) - 1
        text, place = batch.texts[row], span - int(splits[row])
        start, end = int(text.spans.starts[place]), int(text.spans.ends[place])
        found[kept] = Mention(
            id="",
            start=start,
            end=end,
            text=text.document.text[start:end],
            type=schema.entity_labels[labels[kept]],
            score=_rounded(entities[kept, labels[kept]]),
            context_weight=None if context is None else _rounded(context[kept]),
        )
    return found


def _context_weights(outputs: Outputs) -> Numbers | None:
    """The sentinel's share of each kept span, wherever concepts entered the model."""
    if "span_context_weights" in outputs:
        return outputs["span_context_weights"][outputs["kept_spans"]]
    return outputs.get("context_weights")


def _concept_links(
    batch: Batch, outputs: Outputs, kept: Indices, base: KnowledgeBase
) -> dict[int, tuple[ConceptLink, ...]]:
    """Candidate concepts of the kept spans that are mentions, by falling attention weight."""
    if batch.graph is None or "candidate_weights" not in outputs:
        return {}
    places = find_keys(outputs["kept_spans"][kept], outputs["candidate_spans"])
    links: dict[int, list[ConceptLink]] = {}
    for candidate in np.flatnonzero(places >= 0).tolist():
        node = outputs["candidate_nodes"][candidate]
        concept = int(batch.graph.node_concepts[node])
        weight = _rounded(outputs["candidate_weights"][candidate])
        link = ConceptLink(
            base.concept_id(concept), base.preferred_name(concept), base.types(concept), weight
        )
        links.setdefault(int(kept[places[candidate]]), []).append(link)
    return {
        place: tuple(sorted(items, key=lambda link: (-link.weight, link.id)))
        for place, items in links.items()
    }


def _relations(
    outputs: Outputs, scores: Numbers, mentions: Mapping[int, Mention], schema: TaskSchema
) -> dict[tuple[int, int], tuple[str, float]]:
    """Relation type and probability by (head, tail) place among the kept spans."""
    heads, tails = outputs["pair_heads"], outputs["pair_tails"]
    is_mention = np.zeros(int(outputs["kept_splits"][-1]), dtype=bool)
    is_mention[list(mentions)] = True
    chosen = np.flatnonzero(is_mention[heads] & is_mention[tails])
    heads, tails = heads[chosen], tails[chosen]
    probabilities = _average_symmetric(heads, tails, scores[chosen], schema)
    labels = best_labels(probabilities)
    found = {}
    for pair in np.flatnonzero(labels).tolist():
        head, tail, label = int(heads[pair]), int(tails[pair]), int(labels[pair])
        if _allowed(schema, label, mentions[head], mentions[tail], in_order=head < tail):
            score = _rounded(probabilities[pair, label])
            found[head, tail] = (schema.relation_labels[label], score)
    return found


def _average_symmetric(
    heads: Indices, tails: Indices, scores: Numbers, schema: TaskSchema
) -> Numbers:
    """Scores (pairs, labels) with symmetric types averaged over both directions.

    "none" is averaged too where every type is symmetric, so that both directions agree.
    """
    symmetric = [relation.symmetric for relation in schema.relation_types]
    columns = np.flatnonzero([bool(symmetric) and all(symmetric), *symmetric])
    if not len(heads) or not len(columns):
        return scores
    size = int(max(heads.max(), tails.max())) + 1
    backward = find_keys(heads * size + tails, tails * size + heads)
    averaged = scores.copy()
    averaged[:, columns] = (scores[:, columns] + scores[backward][:, columns]) / 2
    return averaged


def _allowed(
    schema: TaskSchema, label: int, head: Mention, tail: Mention, *, in_order: bool
) -> bool:
    relation = schema.relation_types[label - 1]
    if relation.symmetric:
        return in_order and (_fits(relation, head, tail) or _fits(relation, tail, head))
    return _fits(relation, head, tail)


def _fits(relation: RelationType, head: Mention, tail: Mention) -> bool:
    return (not relation.head_types or head.type in relation.head_types) and (
        not relation.tail_types or tail.type in relation.tail_types
    )


def _extraction(
    batch: Batch,
    row: int,
    kept: list[int],
    mentions: Mapping[int, Mention],
    relations: Mapping[tuple[int, int], tuple[str, float]],
) -> Extraction:
    document = batch.texts[row].document
    names = {place: f"T{number}" for number, place in enumerate(kept, start=1)}
    inside = sorted(pair for pair in relations if pair[0] in names)
    return Extraction(
        document.id,
        document.text,
        tuple(replace(mentions[place], id=names[place]) for place in kept),
        tuple(
            Relation(f"R{number}", names[head], names[tail], *relations[head, tail])
            for number, (head, tail) in enumerate(inside, start=1)
        ),
    )


def _softmax(logits: npt.NDArray[Any]) -> Numbers:
    values: Numbers = logits.astype(np.float32)
    exponents: Numbers = np.exp(values - values.max(1, keepdims=True))
    probabilities: Numbers = exponents / exponents.sum(1, keepdims=True)
    return probabilities


def _rounded(value: float) -> float:
    return round(float(value), _SCORE_DIGITS)
