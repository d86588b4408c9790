"""A knowledge base from OBO files of the user's own."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from keci.errors import DataError, UsageError
from keci.knowledge.base.compile import BuildClock, compile_sources
from keci.knowledge.base.folder import Manifest
from keci.knowledge.base.records import RelationRecord, SourceData, SourceRecord
from keci.knowledge.base.vocabulary import TYPE_NAMES, canonical_relation
from keci.knowledge.sources.obo import OboDocument, read_obo
from keci.knowledge.sources.terms import Term, term_concepts, types_by_ancestor

_LOGGER = logging.getLogger(__name__)
_OTHER_RELATION = "related_to"
_VOCABULARY_TYPES = {
    "BTO": "T024",
    "CHEBI": "T103",
    "CL": "T025",
    "DOID": "T047",
    "FPLX": "T116",
    "GO": "T038",
    "HP": "T033",
    "MONDO": "T047",
    "MP": "T033",
    "NCBITaxon": "T001",
    "PR": "T116",
    "SO": "T085",
    "UBERON": "T023",
}
"""The semantic type of terms by the vocabulary of their id, where no rule says otherwise."""


@dataclass(frozen=True, slots=True)
class TypeRules:
    """Semantic types of terms: by ancestor (its id, type code), first rule first, or a default."""

    by_ancestor: tuple[tuple[str, str], ...] = ()
    default: str = ""

    @classmethod
    def parse(cls, rules: Sequence[str]) -> "TypeRules":
        """Read ``T047`` or ``MONDO:0005070=T191``; raises UsageError for an unknown type code."""
        by_ancestor, default = [], ""
        for rule in rules:
            root, _, code = rule.rpartition("=")
            if code not in TYPE_NAMES:
                raise UsageError(
                    f"unknown semantic type {code!r} in {rule!r}; known are codes "
                    f"like T047 (Disease or Syndrome)"
                )
            if root:
                by_ancestor.append((root, code))
            else:
                default = code
        return cls(tuple(by_ancestor), default)

    def type_of(self, term: Term) -> tuple[str, ...]:
        """The type of a term for which no ancestor decides."""
        vocabulary = term.id.partition(":")[0]
        code = self.default or _VOCABULARY_TYPES.get(vocabulary)
        if code is None:
            raise UsageError(
                f"no semantic type is known for {term.id}: give one with --type, "
                f"as in --type T047 or --type {term.id}=T047"
            )
        return (code,)


def build_obo(
    files: Sequence[Path],
    folder: Path,
    *,
    rules: TypeRules,
    report: Callable[[str], None],
    strict: bool = False,
) -> Manifest:
    """Compile OBO files into ``folder``; concepts that refer to each other across files merge.

    Lines that break the format are skipped and told in the log, or raise DataError where
    ``strict``; so does an id that two files define.
    """
    clock = BuildClock()
    read: list[SourceData] = []
    owners: dict[str, Path] = {}
    for path in files:
        report(f"reading {path.name}")
        document = read_obo(path, strict=strict)
        if document.skipped:
            message = "%s: %d lines break the format and are skipped (see --strict): %s"
            _LOGGER.warning(message, path, len(document.skipped), "; ".join(document.skipped[:3]))
        if not document.terms:
            raise DataError(f"{path} has no [Term] in force: it is no ontology in OBO format")
        for term in document.terms:
            if term.id in owners:
                raise DataError(f"{term.id} is defined in {owners[term.id]} and in {path}")
            owners[term.id] = path
        read.append(_source_data(document, path, rules, priority=len(read)))
    return compile_sources(read, folder, name="obo", clock=clock, report=report)


def _source_data(
    document: OboDocument, path: Path, rules: TypeRules, *, priority: int
) -> SourceData:
    terms = document.terms
    types = types_by_ancestor(
        terms, [(root, (code,)) for root, code in rules.by_ancestor], rules.type_of
    )
    header = document.header
    key = header.get("ontology", path.stem)
    return SourceData(
        source=SourceRecord(
            key=key,
            title=header.get("default-namespace", key),
            version=header.get("data-version", header.get("date", "unknown")),
            licence="as the ontology says",
            url=path.name,
        ),
        concepts=term_concepts(terms, types, priority=priority),
        relations=tuple(relation for term in terms for relation in _relations(term)),
        same_as=tuple((term.id, xref) for term in terms for xref in term.xrefs),
    )


def _relations(term: Term) -> list[RelationRecord]:
    """The relations of a term; those without a name here count as ``related_to``."""
    records = []
    for relation, target in term.relations:
        found = canonical_relation(relation)
        if found is None:
            records.append(RelationRecord(term.id, target, _OTHER_RELATION))
        else:
            head, tail = (target, term.id) if found.inverted else (term.id, target)
            records.append(RelationRecord(head, tail, found.name))
    return records
