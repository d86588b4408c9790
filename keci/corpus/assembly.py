"""What was found in the units of a document, as one extraction over the document."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from keci.documents import Document, Extraction, Mention, Relation
from keci.overlaps import without_doubles
from keci.text.windows import TextUnit

MentionKey = tuple[int, int, str]
RelationKey = tuple[MentionKey, MentionKey, str]


def reassemble(
    document: Document,
    units: Sequence[TextUnit],
    extractions: Sequence[Extraction],
    overlaps: Collection[tuple[str, str]] | None = None,
) -> Extraction:
    """One extraction over the document, ids renumbered T1, R1 and on in text order.

    What overlapping units both found (same offsets and type; for relations the same ends and type)
    is kept once, with the higher score; so is one of two mentions that overlap although their types
    are none of the pairs in ``overlaps``, where these are known.
    """
    found = _Found()
    for unit, extraction in zip(units, extractions, strict=True):
        found.add(unit, extraction)
    if overlaps is not None and len(units) > 1:
        found.drop_doubles(overlaps)
    mention_ids = {key: f"T{number}" for number, key in enumerate(sorted(found.mentions), 1)}
    mentions = tuple(_placed(found.mentions[key], key, id_) for key, id_ in mention_ids.items())
    relations = tuple(
        Relation(
            f"R{number}",
            mention_ids[head],
            mention_ids[tail],
            kind,
            found.relations[head, tail, kind],
        )
        for number, (head, tail, kind) in enumerate(sorted(found.relations), 1)
    )
    return Extraction(document.id, document.text, mentions, relations, document.metadata)


def _placed(mention: Mention, key: MentionKey, id_: str) -> Mention:
    """The mention with its id and offsets in the document."""
    start, end, kind = key
    return replace(mention, id=id_, start=start, end=end, type=kind)


@dataclass(frozen=True, slots=True)
class _Found:
    """What the units have: mentions with a unit's offsets, and the scores of relations."""

    mentions: dict[MentionKey, Mention] = field(default_factory=dict)
    relations: dict[RelationKey, float | None] = field(default_factory=dict)

    def add(self, unit: TextUnit, extraction: Extraction) -> None:
        keys: dict[str, MentionKey] = {}
        for mention in extraction.mentions:
            start, end = unit.start + mention.start, unit.start + mention.end
            key = keys[mention.id] = (start, end, mention.type)
            known = self.mentions.get(key)
            if known is None or _rank(mention.score) > _rank(known.score):
                self.mentions[key] = mention
        for relation in extraction.relations:
            ends = (keys[relation.head], keys[relation.tail], relation.type)
            if ends not in self.relations or _rank(relation.score) > _rank(self.relations[ends]):
                self.relations[ends] = relation.score

    def drop_doubles(self, allowed: Collection[tuple[str, str]]) -> None:
        """Drop the mentions that may not overlap better ones, with their relations."""
        keys = sorted(self.mentions)
        spans = [(*key, _rank(self.mentions[key].score)) for key in keys]
        staying = {keys[at] for at in without_doubles(spans, allowed)}
        for key in self.mentions.keys() - staying:
            del self.mentions[key]
        for ends in [ends for ends in self.relations if not {*ends[:2]} <= staying]:
            del self.relations[ends]


def _rank(score: float | None) -> float:
    return -1.0 if score is None else score
