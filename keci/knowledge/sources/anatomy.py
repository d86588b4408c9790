"""Cells, body parts and cell lines: CL, UBERON and Cellosaurus."""

import re
from collections.abc import Iterable

from keci.knowledge.base.records import ConceptRecord, SourceData, SourceRecord
from keci.knowledge.sources.terms import Term, term_concepts, term_relations, types_by_ancestor
from keci.knowledge.sources.wheels import CellxgeneOntology, WheelData, read_cellxgene

_UBERON_TYPES = (
    ("UBERON:0000922", ("T018",)),
    ("UBERON:0005423", ("T018",)),
    ("UBERON:0000463", ("T031",)),
    ("UBERON:0000479", ("T024",)),
    ("UBERON:0000467", ("T022",)),
    ("UBERON:0000475", ("T029",)),
)
_CELL_LINE = re.compile(r"(?=.*[A-Za-z])(?=.*\d|.*[a-z][A-Z]|.*[A-Z]{3})[\w/.-]{4,12}")


def read_cells(data: WheelData) -> SourceData:
    """Cell Ontology."""
    found = read_cellxgene(data, "CL")
    terms = found.terms()
    return SourceData(
        source=_source(
            "CL", "Cell Ontology", found, "CC-BY-4.0", "https://obofoundry.org/ontology/cl"
        ),
        concepts=term_concepts(terms, {term.id: ("T025",) for term in terms}, priority=22),
        relations=term_relations(terms),
    )


def read_anatomy(data: WheelData) -> SourceData:
    """Uberon, the anatomy of animals."""
    found = read_cellxgene(data, "UBERON")
    terms = [term for term in found.terms() if term.id.startswith("UBERON:")]
    types = types_by_ancestor(terms, _UBERON_TYPES, lambda _: ("T023",))
    return SourceData(
        source=_source(
            "UBERON",
            "Uberon multi-species anatomy",
            found,
            "CC-BY-3.0",
            "https://obofoundry.org/ontology/uberon",
        ),
        concepts=term_concepts(terms, types, priority=23),
        relations=term_relations(terms),
    )


def read_cell_lines(data: WheelData) -> SourceData:
    """Names of Cellosaurus that look like no other word: letters with digits, or in capitals."""
    found = read_cellxgene(data, "CVCL")
    return SourceData(
        source=_source(
            "CVCL",
            "Cellosaurus cell line names",
            found,
            "CC-BY-4.0",
            "https://www.cellosaurus.org/",
        ),
        concepts=tuple(_cell_lines(found.terms())),
    )


def _cell_lines(terms: Iterable[Term]) -> Iterable[ConceptRecord]:
    for term in terms:
        if _CELL_LINE.fullmatch(term.name):
            yield ConceptRecord(
                id=term.id.replace("CVCL_", "CVCL:"),
                name=term.name,
                types=("T025",),
                priority=60,
                name_is_symbol=True,
            )


def _source(key: str, title: str, found: CellxgeneOntology, licence: str, url: str) -> SourceRecord:
    return SourceRecord(key=key, title=title, version=found.version, licence=licence, url=url)
