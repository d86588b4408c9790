"""Which mentions and relations of an extraction are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from keci.documents import ASSERTIONS, Extraction, Mention, Relation
from keci.errors import UsageError
from keci.schema import TaskSchema


@dataclass(frozen=True, slots=True)
class Filter:
    """What a mention or relation must have to be kept; an empty tuple asks for nothing.

    A relation is kept only with both of its ends. Something without a score has the score 1.
    """

    min_entity_score: float = 0.0
    min_relation_score: float = 0.0
    types: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    assertions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        scores = {
            "min_entity_score": self.min_entity_score,
            "min_relation_score": self.min_relation_score,
        }
        for name, score in scores.items():
            if not 0 <= score <= 1:
                raise UsageError(f"expected {name} between 0 and 1, got {score}")
        _check(self.assertions, ASSERTIONS, "assertion")

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Filter":
        """The filter that ``to_record`` told of."""
        return cls(**{name: _frozen(value) for name, value in record.items()})

    def to_record(self) -> dict[str, Any]:
        """The filter as JSON holds it; empty where everything is kept."""
        nothing = asdict(Filter())
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value != nothing[name]
        }

    def check(self, schema: TaskSchema) -> None:
        """Raise UsageError where the filter names a type that the task does not have."""
        _check(self.types, schema.entity_types, "entity type")
        _check(self.relations, schema.relation_labels[1:], "relation type")

    def __call__(self, extraction: Extraction) -> Extraction:
        """What is kept, its ids numbered anew.

        >>> from keci.documents import Mention
        >>> found = Extraction("d", "rash", (Mention("T1", 0, 4, "rash", "effect", 0.6),))
        >>> Filter(min_entity_score=0.7)(found).mentions
        ()
        """
        if self == Filter():
            return extraction
        mentions = [mention for mention in extraction.mentions if self._keeps(mention)]
        ids = {mention.id: f"T{number}" for number, mention in enumerate(mentions, start=1)}
        relations = [
            relation
            for relation in extraction.relations
            if relation.head in ids and relation.tail in ids and self._keeps_relation(relation)
        ]
        return replace(
            extraction,
            mentions=tuple(replace(mention, id=ids[mention.id]) for mention in mentions),
            relations=tuple(
                replace(item, id=f"R{number}", head=ids[item.head], tail=ids[item.tail])
                for number, item in enumerate(relations, start=1)
            ),
        )

    def _keeps(self, mention: Mention) -> bool:
        return (
            _score(mention) >= self.min_entity_score
            and mention.type in (self.types or (mention.type,))
            and mention.assertion in (self.assertions or ASSERTIONS)
        )

    def _keeps_relation(self, relation: Relation) -> bool:
        return (
            _score(relation) >= self.min_relation_score
            and relation.type in (self.relations or (relation.type,))
            and relation.assertion in (self.assertions or ASSERTIONS)
        )


def _score(finding: Mention | Relation) -> float:
    return 1.0 if finding.score is None else finding.score


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else value


def _check(given: Sequence[str], known: Sequence[str], what: str) -> None:
    unknown = [name for name in given if name not in known]
    if unknown:
        raise UsageError(f"unknown {what} {unknown[0]!r}; known are {', '.join(known)}")
