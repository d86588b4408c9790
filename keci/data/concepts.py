"""Relations between concepts as relations between their mentions, and back.

A concept is what the mentions of one ``group`` denote, or those of one text where they have none.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import TypeVar

from keci.data.gold import Interaction
from keci.documents import Extraction, Mention, Relation
from keci.formats.annotated import AnnotatedText, RelationRow, mentions_by_row
from keci.schema import TaskSchema

Span = tuple[int, int]
Pair = tuple[Mention, Mention]
Concept = TypeVar("Concept")


@dataclass(frozen=True, slots=True)
class _Document:
    """The mentions of each identifier, the identifiers of each span, and what is related."""

    members: Mapping[str, Sequence[Mention]]
    identifiers: Mapping[Span, Sequence[str]]
    related: frozenset[RelationRow]
    symmetric: frozenset[str]


def symmetric_types(schema: TaskSchema) -> frozenset[str]:
    """The relation types without direction."""
    return frozenset(relation.name for relation in schema.relation_types if relation.symmetric)


def concept_of(mention: Mention) -> str:
    """The concept of an annotated mention: its group, or its text in lower case."""
    return mention.group or mention.text.casefold()


def concept_pairs(
    heads: Iterable[Concept], tails: Iterable[Concept]
) -> list[tuple[Concept, Concept]]:
    """The pairs of concepts that two related mentions stand for, given the concepts of each.

    All of their products; a concept with itself only where there is no other pair.
    """
    pairs = list(dict.fromkeys(product(heads, tails)))
    return [pair for pair in pairs if pair[0] != pair[1]] or pairs


def spread(text: AnnotatedText, schema: TaskSchema) -> Extraction:
    """An annotated document whose relations hold between mentions.

    A relation between two identifiers becomes one between every mention of the first and every
    mention of the second. Where one of the two spans has further identifiers, the pair is taken
    only if these have the relation as well, unless the relation would be lost; likewise a span
    with itself. A relation of an identifier that no mention has is left out (see ``unmentioned``).
    A relation that says between which rows it holds, and a link of two rows, become relations
    between their mentions alone.
    """
    by_row = tuple(mentions_by_row(text))
    mentions = tuple(mention for _, found in by_row for mention in found)
    symmetric = symmetric_types(schema)
    # The first of two rows that say the same gives the order of head and tail.
    first: dict[RelationRow, RelationRow] = {}
    for row in text.relations:
        if not row.pairs:
            first.setdefault(_in_order(row, symmetric), row)
    related = [_in_order(row, symmetric) for row in text.relations]
    document = _document(mentions, related, symmetric)
    members: dict[str, list[Mention]] = defaultdict(list)
    for mention_row, found in by_row:
        members[mention_row.id].extend(found)
    pairs: list[tuple[Pair, str]] = []
    for row in text.relations:
        if row.pairs:
            pairs += ((pair, row.type) for pair in _stated_pairs(row, members))
        elif first[_in_order(row, symmetric)] is row:
            pairs += ((pair, row.type) for pair in _mention_pairs(row, document))
    for link in text.links:
        pairs += ((p, link.type) for p in product(members[link.head], members[link.tail]))
    ends = dict.fromkeys((head.id, tail.id, kind) for (head, tail), kind in pairs)
    relations = tuple(Relation(f"R{number}", *end) for number, end in enumerate(ends, start=1))
    return Extraction(text.id, text.text, mentions, relations)


def _stated_pairs(row: RelationRow, members: Mapping[str, Sequence[Mention]]) -> Iterator[Pair]:
    """The pairs of mentions between which a relation says that it holds.

    A row of mentions may stand for several; a relation means those of its ends.
    """
    for head, tail in row.pairs:
        yield from product(_named(members[head], row.head), _named(members[tail], row.tail))


def _named(mentions: Sequence[Mention], identifier: str) -> Sequence[Mention]:
    return [item for item in mentions if (item.group or item.id) == identifier] or mentions


def unmentioned(text: AnnotatedText, extraction: Extraction) -> tuple[str, ...]:
    """The identifiers that relations of ``text`` name and no mention of ``extraction`` has."""
    known = {mention.group or mention.id for mention in extraction.mentions}
    named = dict.fromkeys(name for row in text.relations for name in (row.head, row.tail))
    return tuple(name for name in named if name not in known)


def concept_interactions(extraction: Extraction) -> tuple[Interaction, ...]:
    """The distinct relations between the concepts of an annotated document, in order."""
    concepts = {mention.id: concept_of(mention) for mention in extraction.mentions}
    rows = (
        Interaction((concepts[relation.head],), (concepts[relation.tail],), relation.type)
        for relation in extraction.relations
    )
    return tuple(dict.fromkeys(rows))


def _in_order(row: RelationRow, symmetric: frozenset[str]) -> RelationRow:
    if row.type not in symmetric:
        return row
    return RelationRow(row.type, min(row.head, row.tail), max(row.head, row.tail))


def _document(
    mentions: Sequence[Mention], rows: Iterable[RelationRow], symmetric: frozenset[str]
) -> _Document:
    members: dict[str, list[Mention]] = defaultdict(list)
    identifiers: dict[Span, list[str]] = defaultdict(list)
    for mention in mentions:
        name = mention.group or mention.id
        members[name].append(mention)
        identifiers[mention.start, mention.end].append(name)
    return _Document(members, identifiers, frozenset(rows), symmetric)


def _mention_pairs(row: RelationRow, document: _Document) -> list[Pair]:
    heads, tails = document.members.get(row.head, ()), document.members.get(row.tail, ())
    if not heads or not tails:
        return []
    pairs = list(combinations(heads, 2) if row.head == row.tail else product(heads, tails))
    apart = [pair for pair in pairs if _span(pair[0]) != _span(pair[1])] or pairs
    clear = [pair for pair in apart if _is_clear(pair, row, document)]
    return clear or apart or [(heads[0], heads[0])]


def _is_clear(pair: Pair, row: RelationRow, document: _Document) -> bool:
    """Whether the relation is all that the two spans would say if they were related."""
    spans = (_span(mention) for mention in pair)
    stated = concept_pairs(*(document.identifiers[span] for span in spans))
    if (row.head, row.tail) not in stated:
        return False
    return all(
        _in_order(RelationRow(row.type, *names), document.symmetric) in document.related
        for names in stated
    )


def _span(mention: Mention) -> Span:
    return mention.start, mention.end
