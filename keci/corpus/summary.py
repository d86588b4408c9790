"""What a run has found: counts of documents, entities, relations, concepts and failures."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from keci.corpus.finished import FinishedRun
from keci.corpus.metrics import failure_kind
from keci.documents import Extraction


@dataclass(slots=True)
class Summary:
    """Sums over extractions; ``linked`` counts mentions with a concept that outweighs the text."""

    documents: int = 0
    characters: int = 0
    without_text: int = 0
    without_entities: int = 0
    linked: int = 0
    entities: Counter[str] = field(default_factory=Counter)
    relations: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    withdrawn: Counter[str] = field(default_factory=Counter)
    repeated_ids: int = 0

    def add(self, extraction: Extraction) -> None:
        self.documents += 1
        self.characters += len(extraction.text)
        self.without_text += not extraction.text.strip()
        self.without_entities += not extraction.mentions
        for mention in extraction.mentions:
            self.entities[mention.type] += 1
            best = max((link.weight for link in mention.concepts), default=0.0)
            self.linked += best > (mention.context_weight or 0.0)
        self.relations.update(relation.type for relation in extraction.relations)

    def to_record(self) -> dict[str, Any]:
        """The counts as plain values; rates are per document, 0 without documents."""
        documents = max(self.documents, 1)
        return {
            "documents": self.documents,
            "characters": self.characters,
            "without_text": self.without_text,
            "without_entities": self.without_entities,
            "entities": {
                "total": self.entities.total(),
                "per_document": round(self.entities.total() / documents, 4),
                "linked": self.linked,
                "by_type": dict(self.entities.most_common()),
            },
            "relations": {
                "total": self.relations.total(),
                "per_document": round(self.relations.total() / documents, 4),
                "by_type": dict(self.relations.most_common()),
            },
            "failures": {
                "total": self.failures.total(),
                "by_reason": dict(self.failures.most_common()),
            },
            "withdrawn": {
                "total": self.withdrawn.total(),
                "by_reason": dict(self.withdrawn.most_common()),
            },
            "repeated_ids": self.repeated_ids,
        }


def summarise(run: FinishedRun) -> Summary:
    """Read a whole run; raises DataError where it is damaged."""
    summary = Summary()
    for extraction in run.extractions():
        summary.add(extraction)
    summary.failures.update(failure_kind(failure.reason) for failure, _ in run.failures())
    summary.withdrawn.update(withdrawal.reason for withdrawal, _ in run.withdrawn())
    summary.repeated_ids = run.manifest.repeated
    return summary
