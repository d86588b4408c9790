"""What annotated data have for a task: counts per type, what is lost, and whether to refuse."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from keci.data.gold import GoldDataset, GoldDocument
from keci.documents import Extraction, Mention
from keci.schema import RelationType, TaskSchema
from keci.text.words import find_words

_MENTION, _RELATION = "mention", "relation"


@dataclass(frozen=True, slots=True)
class Loss:
    """A reason for which ``count`` annotations are not learned; ``example`` shows the first."""

    lost: str
    reason: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a data set has for a task.

    ``mentions`` and ``relations`` count annotations by type, ``losses`` what cannot be learned of
    them and what the reader left out, ``notices`` what was taken otherwise.
    """

    schema: TaskSchema
    layout: str
    documents: int
    mentions: Mapping[str, int]
    relations: Mapping[str, int]
    losses: tuple[Loss, ...]
    notices: tuple[Loss, ...]

    @property
    def refusal(self) -> str:
        """Why nothing should be trained on the data, empty where enough is left."""
        if not sum(self.mentions.values()) and not self._lost(_MENTION):
            return f"no mention in {self.documents} documents, read as {self.layout}"
        for kind, total in ((_MENTION, self._total(_MENTION)), (_RELATION, self._total(_RELATION))):
            lost = self._lost(kind)
            if lost * 2 > total:
                worst = max(
                    (loss for loss in self.losses if loss.lost == kind), key=lambda loss: loss.count
                )
                hint = f"{worst.count} {worst.reason}, as {worst.example}"
                return f"{lost} of {total} {kind}s cannot be learned: {hint}"
        return ""

    def absent_types(self) -> tuple[str, ...]:
        """The types of the task that no annotation has."""
        relation_names = [relation.name for relation in self.schema.relation_types]
        return (
            *(name for name in self.schema.entity_types if not self.mentions.get(name)),
            *(name for name in relation_names if not self.relations.get(name)),
        )

    def _total(self, kind: str) -> int:
        counted = self.mentions if kind == _MENTION else self.relations
        return sum(counted.values()) + self._left_out(kind)

    def _lost(self, kind: str) -> int:
        return sum(loss.count for loss in self.losses if loss.lost == kind)

    def _left_out(self, kind: str) -> int:
        """What the reader left out, which the counts by type do not have."""
        return sum(loss.count for loss in self.losses if loss.lost == kind and _is_left_out(loss))


def inspect(dataset: GoldDataset) -> Inspection:
    """Count what a data set has for the task of its schema, each annotation lost for one reason."""
    losses: dict[tuple[str, str], list[str]] = {}
    notices: dict[tuple[str, str], list[str]] = {}
    mentions: Counter[str] = Counter()
    relations: Counter[str] = Counter()
    for document in dataset.documents:
        extraction = document.extraction
        mentions.update(kind for _, _, kind in _spans(extraction))
        relations.update(relation.type for relation in extraction.relations)
        for lost, reason, example in _document_losses(document, dataset.schema):
            losses.setdefault((lost, reason), []).append(example)
        for remark in document.remarks:
            kept = losses if remark.lost else notices
            reason = f"{_LEFT_OUT}{remark.reason}" if remark.lost else remark.reason
            kept.setdefault((remark.lost, reason), []).append(remark.example)
    return Inspection(
        dataset.schema,
        dataset.layout,
        len(dataset.documents),
        dict(mentions.most_common()),
        dict(relations.most_common()),
        tuple(_counted(losses)),
        tuple(_counted(notices)),
    )


_LEFT_OUT = "left out: "


def _is_left_out(loss: Loss) -> bool:
    return loss.reason.startswith(_LEFT_OUT)


def _counted(found: Mapping[tuple[str, str], list[str]]) -> Iterator[Loss]:
    for (lost, reason), examples in sorted(found.items(), key=lambda item: -len(item[1])):
        yield Loss(lost, reason, len(examples), examples[0])


def _spans(extraction: Extraction) -> list[tuple[int, int, str]]:
    """The annotated spans; one that denotes several concepts counts once."""
    return list(dict.fromkeys((item.start, item.end, item.type) for item in extraction.mentions))


def _document_losses(document: GoldDocument, schema: TaskSchema) -> Iterator[tuple[str, str, str]]:
    """What is lost, why, and the annotation as it is shown."""
    extraction = document.extraction
    starts, ends = (frozenset(offsets.tolist()) for offsets in find_words(extraction.text))
    for start, end, kind in _spans(extraction):
        shown = f"{extraction.text[start:end]!r} in {document.id}"
        reason = _unknown(kind, schema.entity_types) or _off_boundary(start, end, starts, ends)
        if reason:
            yield _MENTION, reason, shown
    mentions = {mention.id: mention for mention in extraction.mentions}
    types = {relation.name: relation for relation in schema.relation_types}
    for item in extraction.relations:
        head, tail = mentions[item.head], mentions[item.tail]
        reason = _unknown(item.type, tuple(types)) or _misfit(types[item.type], head, tail)
        if reason:
            yield _RELATION, reason, f"{head.text!r} and {tail.text!r} in {document.id}"


def _unknown(kind: str, known: tuple[str, ...]) -> str:
    if kind in known:
        return ""
    alike = next((name for name in known if _folded(name) == _folded(kind)), None)
    meant = f" (the task has {alike!r})" if alike else ""
    return f"of a type that the task does not have, {kind!r}{meant}"


def _folded(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def _off_boundary(start: int, end: int, starts: frozenset[int], ends: frozenset[int]) -> str:
    if start in starts and end in ends:
        return ""
    if start in starts and end + 1 in ends:
        return "end one character before a word does (ends must be half-open)"
    return "begin or end inside a word"


def _misfit(relation: RelationType, head: Mention, tail: Mention) -> str:
    if _fits(relation, head, tail):
        return ""
    if _fits(relation, tail, head):
        return (
            f"reversed against the task: {relation.name!r} goes from {_named(relation.head_types)} "
            f"to {_named(relation.tail_types)}, these from {head.type} to {tail.type}"
        )
    return (
        f"between types that the task does not allow: {relation.name!r} of {head.type} "
        f"and {tail.type}"
    )


def _fits(relation: RelationType, head: Mention, tail: Mention) -> bool:
    fits = all(
        not allowed or mention.type in allowed
        for mention, allowed in ((head, relation.head_types), (tail, relation.tail_types))
    )
    return fits or (relation.symmetric and _fits_turned(relation, head, tail))


def _fits_turned(relation: RelationType, head: Mention, tail: Mention) -> bool:
    return all(
        not allowed or mention.type in allowed
        for mention, allowed in ((tail, relation.head_types), (head, relation.tail_types))
    )


def _named(types: tuple[str, ...]) -> str:
    return " or ".join(types) or "any type"
