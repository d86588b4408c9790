"""The BioRED metric: relations of a document as pairs of concepts (Luo et al. 2022).

The concepts of a predicted mention are those of the gold mentions with exactly its span, whatever
their types; where it names one of them as its group, that one alone. A predicted relation stands
for every pair of its two mentions' concepts; one with a mention that no gold mention matches is
wrong, and counts once for each pair of concepts or, where the prediction has none, of names. Pairs
of a symmetric type have no order.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from keci.data.concepts import concept_of, concept_pairs, symmetric_types
from keci.data.gold import GoldDocument
from keci.documents import Extraction, Mention
from keci.evaluation.strict import Keys, tally_keys
from keci.evaluation.tally import Tally
from keci.formats.annotated import identifier_of
from keci.schema import TaskSchema

Pair = tuple[GoldDocument, Extraction | None]
"""A gold document and its prediction, if there is one."""

Concept = tuple[bool, str]
"""Whether a gold mention has it, and its identifier or name."""

Statement = tuple[str, Concept, Concept]
"""A relation type, the concept at its head and the one at its tail."""


def tally_relations(schema: TaskSchema, pairs: Sequence[Pair]) -> Tally:
    """Count pairs of concepts by relation type; a document without prediction is all missed."""
    symmetric = symmetric_types(schema)

    def keys(statements: set[Statement]) -> Keys:
        found: Keys = defaultdict(set)
        for kind, head, tail in statements:
            found[kind].add(_unordered(head, tail) if kind in symmetric else (head, tail))
        return found

    rows = [(keys(_gold(gold)), keys(_predicted(gold, item))) for gold, item in pairs]
    return tally_keys(schema.relation_labels[1:], rows)


def tally_pairs(pairs: Sequence[Pair]) -> Tally:
    """Count unordered pairs of related concepts, whatever the type."""

    def keys(statements: set[Statement]) -> Keys:
        return {"all": {_unordered(head, tail) for _, head, tail in statements}}

    rows = [(keys(_gold(gold)), keys(_predicted(gold, item))) for gold, item in pairs]
    return tally_keys(("all",), rows)


def tally_spans(pairs: Sequence[Pair]) -> Tally:
    """Count mentions by their span, whatever the type."""

    def keys(extraction: Extraction | None) -> Keys:
        return {"all": {_span(mention) for mention in extraction.mentions}} if extraction else {}

    return tally_keys(("all",), [(keys(gold.extraction), keys(item)) for gold, item in pairs])


def _gold(gold: GoldDocument) -> set[Statement]:
    return {
        (interaction.type, (True, head), (True, tail))
        for interaction in gold.interactions
        for head in interaction.head_names
        for tail in interaction.tail_names
    }


def _predicted(gold: GoldDocument, predicted: Extraction | None) -> set[Statement]:
    if predicted is None:
        return set()
    known: dict[tuple[int, int], dict[Concept, None]] = defaultdict(dict)
    for mention in gold.extraction.mentions:
        known[_span(mention)][True, concept_of(mention)] = None
    concepts = {
        mention.id: _concepts(mention, known.get(_span(mention), {}))
        for mention in predicted.mentions
    }
    return {
        (relation.type, *pair)
        for relation in predicted.relations
        for pair in concept_pairs(concepts[relation.head], concepts[relation.tail])
    }


def _concepts(mention: Mention, of_span: Iterable[Concept]) -> tuple[Concept, ...]:
    """What a predicted mention denotes, given the gold concepts of its span."""
    named = tuple(concept for concept in of_span if concept[1] == mention.group)
    unmatched = (False, identifier_of(mention) or mention.text.casefold())
    return named or tuple(of_span) or (unmatched,)


def _unordered(head: Concept, tail: Concept) -> tuple[Concept, Concept]:
    return min(head, tail), max(head, tail)


def _span(mention: Mention) -> tuple[int, int]:
    return mention.start, mention.end
