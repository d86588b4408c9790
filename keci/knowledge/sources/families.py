"""FamPlex: protein families and complexes, and names that curators grounded by hand."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from keci.knowledge.base.records import ConceptRecord, RelationRecord, SourceData, SourceRecord
from keci.knowledge.base.vocabulary import canonical_relation
from keci.knowledge.sources.obo import read_obo
from keci.knowledge.sources.terms import Term, curie, term_identities
from keci.knowledge.sources.wheels import WheelData

_PRIORITY = 5
_VOCABULARIES = {"fplx": "FPLX", "uniprot": "UNIPROT", "chebi": "CHEBI", "go": "GO", "mesh": "MESH"}


def read_famplex(data: WheelData) -> SourceData:
    """Families and complexes with their members, and grounded names of other sources' concepts."""
    document = read_obo(data.path("famplex", "export/famplex.obo"))
    hgnc_ids = _hgnc_ids(data.path("famplex", "export/hgnc_symbol_map.csv"))
    terms = [term for term in document.terms if term.id != "FPLX:root"]
    return SourceData(
        source=SourceRecord(
            key="FPLX",
            title="FamPlex protein families and complexes",
            version=data.version("famplex"),
            licence="CC0-1.0",
            url="https://github.com/sorgerlab/famplex",
        ),
        concepts=tuple(map(_concept, terms)),
        relations=tuple(_relations(terms, hgnc_ids)),
        same_as=term_identities(terms, ("MESH", "GO")),
        names=tuple(_groundings(data.path("famplex", "export/famplex_groundings.tsv"))),
    )


def _concept(term: Term) -> ConceptRecord:
    name = term.name.replace("_", " ")
    return ConceptRecord(
        id=term.id,
        name=name,
        types=("T116",),
        symbols=tuple(synonym for synonym in term.synonyms if " " not in synonym),
        synonyms=tuple(synonym for synonym in term.synonyms if " " in synonym),
        definition=term.definition,
        priority=_PRIORITY,
        name_is_symbol=" " not in name,
    )


def _relations(terms: list[Term], hgnc_ids: Mapping[str, str]) -> Iterator[RelationRecord]:
    for term in terms:
        for relation, target in term.relations:
            found = canonical_relation(relation)
            symbol = target.removeprefix("HGNC:")
            other = target if symbol == target else hgnc_ids.get(symbol)
            if found is not None and other is not None:
                head, tail = (other, term.id) if found.inverted else (term.id, other)
                yield RelationRecord(head, tail, found.name)


def _hgnc_ids(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8", newline="") as stream:
        return {symbol: f"HGNC:{identity}" for symbol, identity in csv.reader(stream)}


def _groundings(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        for name, identity, vocabulary, *_ in csv.reader(stream, delimiter="\t"):
            if vocabulary in _VOCABULARIES:
                yield curie(_VOCABULARIES[vocabulary], identity), name
