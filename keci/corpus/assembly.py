"""The extractions of a document's units, put together with the document's own offsets."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from keci.corpus.windows import TextUnit
from keci.documents import Document, Extraction, Mention, Relation

MentionKey = tuple[int, int, str]
RelationKey = tuple[MentionKey, MentionKey, str]


def reassemble(
    document: Document, units: Sequence[TextUnit], extractions: Sequence[Extraction]
) -> Extraction:
    """One extraction over the document, ids renumbered T1, R1 and on in text order.

    What overlapping units both found (same offsets and type; for relations the same ends and type)
    is kept once, with the higher score.
    """
    found = _Found()
    for unit, extraction in zip(units, extractions, strict=True):
        found.add(unit, extraction)
    mention_ids = {key: f"T{number}" for number, key in enumerate(sorted(found.mentions), 1)}
    mentions = tuple(replace(found.mentions[key], id=name) for key, name in mention_ids.items())
    relations = tuple(
        replace(
            found.relations[head, tail, kind],
            id=f"R{number}",
            head=mention_ids[head],
            tail=mention_ids[tail],
        )
        for number, (head, tail, kind) in enumerate(sorted(found.relations), 1)
    )
    return Extraction(document.id, document.text, mentions, relations)


@dataclass(frozen=True, slots=True)
class _Found:
    mentions: dict[MentionKey, Mention] = field(default_factory=dict)
    relations: dict[RelationKey, Relation] = field(default_factory=dict)

    def add(self, unit: TextUnit, extraction: Extraction) -> None:
        keys: dict[str, MentionKey] = {}
        for mention in extraction.mentions:
            start, end = unit.start + mention.start, unit.start + mention.end
            key = keys[mention.id] = (start, end, mention.type)
            known = self.mentions.get(key)
            if known is None or _score(mention) > _score(known):
                self.mentions[key] = replace(mention, start=start, end=end)
        for relation in extraction.relations:
            ends = (keys[relation.head], keys[relation.tail], relation.type)
            kept = self.relations.get(ends)
            if kept is None or _score(relation) > _score(kept):
                self.relations[ends] = relation


def _score(item: Mention | Relation) -> float:
    return -1.0 if item.score is None else item.score
