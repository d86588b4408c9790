import pytest

from keci.knowledge.base.records import ConceptRecord, RelationRecord
from keci.knowledge.base.store import KnowledgeBase, knowledge_base_in_memory

CONCEPTS = (
    ConceptRecord(
        "G:1", "CAT", ("T028", "T116"), synonyms=("catalase",), name_is_symbol=True, priority=1
    ),
    ConceptRecord("A:1", "Cats", ("T015",), synonyms=("Felis catus",), priority=5),
    ConceptRecord(
        "G:2",
        "TNF",
        ("T028", "T116"),
        symbols=("TNFα",),
        synonyms=("tumor necrosis factor", "tumor necrosis factor alpha"),
        definition="A cytokine of macrophages.",
        sources=("G:2", "M:2"),
        xrefs=("NCBIGENE:7124",),
        name_is_symbol=True,
    ),
    ConceptRecord("D:1", "Parkinson Disease", ("T047",)),
    ConceptRecord("D:2", "Disease", ("T047",)),
    ConceptRecord("C:1", "Necrosis", ("T046",)),
    ConceptRecord("A:2", "mammal", ("T015",)),
    ConceptRecord("G:3", "Cat", ("T028",), name_is_symbol=True, priority=9),
    ConceptRecord("P:1", "beta-catenin", ("T116",)),
    ConceptRecord("P:2", "catenin", ("T116",)),
    ConceptRecord("P:3", "protein kinases", ("T116", "T126")),
    ConceptRecord("L:1", "interleukin-2", ("T116",), symbols=("IL-2",)),
)
RELATIONS = (
    RelationRecord("A:1", "A:2", "isa"),
    RelationRecord("D:1", "D:2", "isa"),
    RelationRecord("P:1", "P:2", "isa"),
    RelationRecord("G:1", "A:1", "found_in"),
    RelationRecord("M:2", "C:1", "causes"),
    RelationRecord("G:2", "X:404", "causes"),
)
COMMON_WORDS = frozenset({"cat", "cats", "the"})


@pytest.fixture(scope="session")
def small_kb() -> KnowledgeBase:
    """Twelve concepts with every trait that linking looks at."""
    return knowledge_base_in_memory(CONCEPTS, RELATIONS, common_words=COMMON_WORDS)
