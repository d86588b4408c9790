"""Relations between the concepts of a document, out of those that a model finds between mentions.

    for relation in concept_relations(extraction):
        print(relation.type, relation.head.name, relation.tail.name, relation.score)

Mentions of one type are taken to denote one concept where they share their text, where the document
explains one as the abbreviation of the other, or where the knowledge base's first candidate of both
is the same. The odds of a relation are summed over its pairs of mentions, as training with
``relation_unit`` "concepts" sums them (docs/decisions/document-relations.md).
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from keci.documents import Extraction, Mention, Relation
from keci.knowledge.linking.abbreviations import find_abbreviations

_LARGEST = 1 - 1e-6


@dataclass(frozen=True, slots=True)
class Concept:
    """What several mentions denote; ``name`` is the longest of their texts."""

    name: str
    type: str
    mentions: tuple[Mention, ...]


@dataclass(frozen=True, slots=True)
class ConceptRelation:
    """A relation between two concepts, with the relations between mentions that state it."""

    head: Concept
    tail: Concept
    type: str
    score: float | None
    evidence: tuple[Relation, ...]


def concepts_of(extraction: Extraction) -> tuple[Concept, ...]:
    """The concepts of a document, in the order of their first mentions."""
    parents = {mention.id: mention.id for mention in extraction.mentions}

    def root(name: str) -> str:
        while parents[name] != name:
            parents[name] = parents[parents[name]]
            name = parents[name]
        return name

    first: dict[tuple[str, ...], str] = {}
    for mention in extraction.mentions:
        for key in _keys(mention):
            one, other = sorted((root(first.setdefault(key, mention.id)), root(mention.id)))
            parents[other] = one
    for long_form, short_form in _abbreviated(extraction):
        parents[root(short_form)] = root(long_form)
    groups: dict[str, list[Mention]] = defaultdict(list)
    for mention in extraction.mentions:
        groups[root(mention.id)].append(mention)
    return tuple(
        Concept(max((m.text for m in members), key=len), members[0].type, tuple(members))
        for members in groups.values()
    )


def concept_relations(extraction: Extraction) -> tuple[ConceptRelation, ...]:
    """The relations between concepts, in the order of the first relation that states each.

    Two relations in opposite directions stay apart. A relation without a score, as in annotated
    data, makes the sum one without.
    """
    owners = {m.id: concept for concept in concepts_of(extraction) for m in concept.mentions}
    stated: dict[tuple[Concept, Concept, str], list[Relation]] = defaultdict(list)
    for relation in extraction.relations:
        stated[owners[relation.head], owners[relation.tail], relation.type].append(relation)
    return tuple(
        ConceptRelation(*ends, _together(evidence), tuple(evidence))
        for ends, evidence in stated.items()
    )


def _keys(mention: Mention) -> Iterator[tuple[str, ...]]:
    """What mentions of one concept may share."""
    yield "text", mention.type, mention.text.casefold()
    if mention.concept:
        yield "concept", mention.type, mention.concept.id


def _abbreviated(extraction: Extraction) -> Iterator[tuple[str, str]]:
    """The ids of mentions that are a long form and its short form."""
    at = {(m.start, m.end, m.type): m.id for m in extraction.mentions}
    for found in find_abbreviations(extraction.text):
        for mention in extraction.mentions:
            if (mention.start, mention.end) == (found.long_start, found.long_end):
                short = at.get((found.short_start, found.short_end, mention.type))
                if short is not None:
                    yield mention.id, short


def _together(evidence: list[Relation]) -> float | None:
    """The probability whose odds are the sum of the relations' odds."""
    scores = [relation.score for relation in evidence if relation.score is not None]
    if len(scores) < len(evidence):
        return None
    odds = sum(min(score, _LARGEST) / (1 - min(score, _LARGEST)) for score in scores)
    return round(odds / (1 + odds), 6)
