from collections import Counter, defaultdict

from benchmarks.concepts import COLUMNS, count, rows
from keci.data.gold import GoldDocument
from keci.documents import ConceptLink, Extraction, Mention

TEXT = "ABC1 Abc2 gout DEF rash"
GOLD = GoldDocument(
    Extraction(
        "d",
        TEXT,
        (
            Mention("T1", 0, 4, "ABC1", "GeneOrGeneProduct", group="7"),
            Mention("T2", 5, 9, "Abc2", "GeneOrGeneProduct", group="99"),
            Mention("T3", 10, 14, "gout", "DiseaseOrPhenotypicFeature", group="D1,D2"),
            Mention("T4", 15, 18, "DEF", "CellLine", group="CVCL_0001"),
            Mention("T5", 19, 23, "rash", "DiseaseOrPhenotypicFeature", group="D9"),
        ),
    ),
    (),
    "d",
)


def mention(start: int, end: int, kind: str, *concepts: ConceptLink) -> Mention:
    return Mention(f"F{start}", start, end, TEXT[start:end], kind, concepts=concepts)


def link(concept_id: str, weight: float, *xrefs: str) -> ConceptLink:
    return ConceptLink(concept_id, concept_id, (), weight, xrefs)


def test_first_heaviest_and_any_are_told_apart() -> None:
    found = Extraction(
        "d",
        TEXT,
        (
            mention(0, 4, "g", link("HGNC:1", 0.2, "NCBIGENE:7"), link("MESH:D5", 0.5)),
            mention(5, 9, "g", link("HGNC:2", 0.2, "NCBIGENE:8"), link("MGI:2", 0.5)),
            mention(10, 14, "d", link("MONDO:3", 0.1), link("MESH:D4", 0.5), link("MESH:D2", 0.2)),
            mention(15, 18, "c", link("CVCL:0001", 0.4)),
            mention(19, 23, "d"),
        ),
    )
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    count(GOLD, found, {"7", "8"}, counts)
    count(GOLD, Extraction("d", TEXT), {"7", "8"}, counts)
    assert [tuple(row) for row in rows(counts)] == [
        ("GeneOrGeneProduct", 2, 1, 1, 1, 0, 1),
        ("genes of other species", 2, 1, 1, 0, 1, 1),
        ("DiseaseOrPhenotypicFeature", 4, 2, 1, 0, 0, 1),
        ("ChemicalEntity", 0, 0, 0, 0, 0, 0),
        ("CellLine", 2, 1, 1, 1, 1, 1),
    ]
    assert len(COLUMNS) == 6
