"""From scores to mentions and relations: the best label of each span and pair."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from keci.batch import Batch, find_keys
from keci.documents import ConceptLink, Extraction, Mention, Relation
from keci.errors import BundleError
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.vocabularies import Indices
from keci.overlaps import without_doubles
from keci.schema import RelationType, TaskSchema

Numbers = npt.NDArray[np.float32]
Outputs = Mapping[str, npt.NDArray[Any]]

MOST_NONE = 0.5
"""Probability of "none" below which a span is a mention, and a pair a relation."""

_SCORE_DIGITS = 6


@dataclass(frozen=True, slots=True)
class SpanGraphScores:
    """Probabilities of one span graph: (kept, entity labels) and (pairs, relation labels).

    Decoding reads the relations of pairs of mentions alone; the others may be zero.
    """

    entities: Numbers
    relations: Numbers


def initial_scores(outputs: Outputs) -> SpanGraphScores:
    """Scores of the initial span graph (Eq 2 and 3)."""
    kept_logits = outputs["entity_logits"][outputs["kept_spans"]]
    return _scores(outputs, kept_logits, outputs["relation_logits"])


def final_scores(outputs: Outputs) -> SpanGraphScores:
    """Scores of the final span graph (Eq 9); those of the initial one where there is no other."""
    if "final_entity_logits" not in outputs:
        return initial_scores(outputs)
    return _scores(outputs, outputs["final_entity_logits"], outputs["final_relation_logits"])


def _scores(outputs: Outputs, entity_logits: Numbers, relation_logits: Numbers) -> SpanGraphScores:
    """Softmax of entities, and of the few pairs of which both ends may be mentions."""
    entities = _softmax(entity_logits)
    may_be_mention = entities[:, 0] < MOST_NONE
    is_read = may_be_mention[outputs["pair_heads"]] & may_be_mention[outputs["pair_tails"]]
    relations = np.zeros(relation_logits.shape, dtype=np.float32)
    relations[is_read] = _softmax(relation_logits[is_read])
    return SpanGraphScores(entities, relations)


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
    schema names first. Of two mentions that overlap although their types never may, the one of the
    higher score stays. Mentions are numbered T1, T2, ... by start, then end, relations R1, R2, ...
    by head, then tail. A symmetric relation is reported once, from the earlier mention, with the
    mean of both directions' probabilities. Where a task relates concepts, two mentions of one name
    are not related.
    """
    found = _Found.of(outputs, scores.entities, schema)
    links = _concept_links(batch, outputs, found.kept, base) if base else {}
    mentions = _mentions(batch, found, links, schema)
    relations = _relations(outputs, scores.relations, mentions, schema)
    extractions = []
    for row, text in enumerate(batch.texts):
        inside = sorted(relations[row].items()) if row in relations else ()
        extractions.append(
            Extraction(
                text.document.id,
                text.document.text,
                tuple(mentions[index] for index in found.kept[found.rows == row].tolist()),
                tuple(
                    Relation(f"R{number}", mentions[head].id, mentions[tail].id, *said)
                    for number, ((head, tail), said) in enumerate(inside, start=1)
                ),
            )
        )
    return extractions


@dataclass(frozen=True, slots=True)
class _Found:
    """The mentions: (mentions,) each.

    ``kept`` is its index among the kept spans, ``rows`` the text it is in, ``numbers`` counts the
    mentions there from 1, ``indices`` is its index among the candidate spans of that text.
    """

    kept: Indices
    rows: Indices
    numbers: Indices
    indices: Indices
    labels: Indices
    scores: npt.NDArray[np.float64]
    type_scores: npt.NDArray[np.float64]
    context: npt.NDArray[np.float64] | None

    @classmethod
    def of(cls, outputs: Outputs, entities: Numbers, schema: TaskSchema) -> "_Found":
        labels = best_labels(entities)
        scores = _rounded(1 - entities[:, 0])
        kept = _apart(outputs, np.flatnonzero(labels), labels, scores, schema)
        spans, splits = outputs["kept_spans"][kept], outputs["span_splits"]
        rows = np.searchsorted(splits, spans, side="right") - 1
        context = _context_weights(outputs)
        return cls(
            kept,
            rows,
            np.arange(1, len(kept) + 1) - np.searchsorted(rows, rows),
            spans - splits[rows],
            labels[kept],
            scores[kept],
            _rounded(entities[kept, labels[kept]]),
            None if context is None else _rounded(context[kept]),
        )


def _apart(
    outputs: Outputs,
    kept: Indices,
    labels: Indices,
    scores: npt.NDArray[np.float64],
    schema: TaskSchema,
) -> Indices:
    """The mentions among the kept spans, less the doubles that the schema rules out."""
    if schema.overlaps is None:
        return kept
    spans = outputs["kept_spans"][kept]
    starts, ends = outputs["span_starts"][spans].tolist(), outputs["span_ends"][spans].tolist()
    types = [schema.entity_labels[label] for label in labels[kept].tolist()]
    mentions = list(zip(starts, ends, types, scores[kept].tolist(), strict=True))
    staying: Indices = kept[without_doubles(mentions, schema.overlaps)]
    return staying


def _mentions(
    batch: Batch,
    found: _Found,
    links: Mapping[int, tuple[ConceptLink, ...]],
    schema: TaskSchema,
) -> dict[int, Mention]:
    """Mentions by their index among the kept spans."""
    context = [None] * len(found.kept) if found.context is None else found.context.tolist()
    columns = (
        found.kept, found.rows, found.numbers, found.indices, found.labels, found.scores,
        found.type_scores,
    )  # fmt: skip
    mentions = {}
    for *column, weight in zip(*(values.tolist() for values in columns), context, strict=True):
        kept, row, number, index, label, score, type_score = column
        text = batch.texts[row]
        start, end = int(text.spans.starts[index]), int(text.spans.ends[index])
        mentions[kept] = Mention(
            id=f"T{number}",
            start=start,
            end=end,
            text=text.document.text[start:end],
            type=schema.entity_labels[label],
            score=score,
            type_score=type_score,
            concepts=links.get(kept, ()),
            context_weight=weight,
        )
    return mentions


def _context_weights(outputs: Outputs) -> Numbers | None:
    """The sentinel's share of each kept span, wherever concepts entered the model."""
    if "span_context_weights" in outputs:
        return outputs["span_context_weights"][outputs["kept_spans"]]
    return outputs.get("context_weights")


def _concept_links(
    batch: Batch, outputs: Outputs, kept: Indices, base: KnowledgeBase
) -> dict[int, tuple[ConceptLink, ...]]:
    """Candidate concepts of the kept spans that are mentions, in the order of the batch."""
    if batch.graph is None or "candidate_weights" not in outputs:
        return {}
    indices = find_keys(outputs["kept_spans"][kept], outputs["candidate_spans"])
    known = np.flatnonzero(indices >= 0)
    owners = kept[indices[known]].tolist()
    concepts = batch.graph.node_concepts[outputs["candidate_nodes"][known]].tolist()
    weights = _rounded(outputs["candidate_weights"][known]).tolist()
    links: dict[int, list[ConceptLink]] = {}
    for owner, concept, weight in zip(owners, concepts, weights, strict=True):
        concept_id, name, types, xrefs = base.summary(concept)
        link = ConceptLink(concept_id, name, types, weight, xrefs)
        links.setdefault(owner, []).append(link)
    return {index: tuple(items) for index, items in links.items()}


def _relations(
    outputs: Outputs, scores: Numbers, mentions: Mapping[int, Mention], schema: TaskSchema
) -> dict[int, dict[tuple[int, int], tuple[str, float]]]:
    """By text, relation type and probability of each (head, tail) index among the kept spans."""
    heads, tails = outputs["pair_heads"], outputs["pair_tails"]
    is_mention = np.zeros(int(outputs["kept_splits"][-1]), dtype=bool)
    is_mention[list(mentions)] = True
    chosen = np.flatnonzero(is_mention[heads] & is_mention[tails])
    heads, tails = heads[chosen], tails[chosen]
    probabilities = _average_symmetric(scores[chosen], schema)
    labels = best_labels(probabilities)
    pairs = np.flatnonzero(labels)
    rows = np.searchsorted(outputs["kept_splits"], heads[pairs], side="right") - 1
    best = _rounded(probabilities[pairs, labels[pairs]])
    columns = (rows, heads[pairs], tails[pairs], labels[pairs], best)
    found: dict[int, dict[tuple[int, int], tuple[str, float]]] = {}
    for row, head, tail, label, score in zip(*(c.tolist() for c in columns), strict=True):
        if _allowed(schema, label, mentions[head], mentions[tail], in_order=head < tail):
            found.setdefault(row, {})[head, tail] = (schema.relation_labels[label], score)
    return found


def _average_symmetric(scores: Numbers, schema: TaskSchema) -> Numbers:
    """Scores (pairs, labels) with symmetric types averaged over both directions.

    "none" is averaged too where every type is symmetric, so that both directions agree. The two
    directions of a pair lie side by side.
    """
    symmetric = [relation.symmetric for relation in schema.relation_types]
    columns = np.flatnonzero([bool(symmetric) and all(symmetric), *symmetric])
    if not len(scores) or not len(columns):
        return scores
    backward = scores.reshape(-1, 2, scores.shape[1])[:, ::-1].reshape(scores.shape)
    averaged = scores.copy()
    averaged[:, columns] = (scores[:, columns] + backward[:, columns]) / 2
    return averaged


def _allowed(
    schema: TaskSchema, label: int, head: Mention, tail: Mention, *, in_order: bool
) -> bool:
    if schema.relates_concepts and head.text.casefold() == tail.text.casefold():
        return False
    relation = schema.relation_types[label - 1]
    if relation.symmetric:
        return in_order and (_fits(relation, head, tail) or _fits(relation, tail, head))
    return _fits(relation, head, tail)


def _fits(relation: RelationType, head: Mention, tail: Mention) -> bool:
    return (not relation.head_types or head.type in relation.head_types) and (
        not relation.tail_types or tail.type in relation.tail_types
    )


def _softmax(logits: npt.NDArray[Any]) -> Numbers:
    """Raises BundleError where it is no number: such a span would be no mention, without a word."""
    values: Numbers = logits.astype(np.float32)
    if not len(values):
        return values
    largest = values.max(1, keepdims=True)
    if not np.isfinite(largest).all():
        raise BundleError(
            "the model gave scores that are no numbers: its weights are damaged, or too large for "
            "the precision that it runs in"
        )
    exponents: Numbers = np.exp(values - largest)
    probabilities: Numbers = exponents / exponents.sum(1, keepdims=True)
    return probabilities


def _rounded(values: Numbers) -> npt.NDArray[np.float64]:
    rounded: npt.NDArray[np.float64] = values.astype(np.float64).round(_SCORE_DIGITS)
    return rounded
