"""The open knowledge base: which sources it has and how they become one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from keci.fields import read_toml_file
from keci.knowledge.base.compile import BuildClock, compile_sources
from keci.knowledge.base.folder import Manifest
from keci.knowledge.base.records import SourceData
from keci.knowledge.sources.anatomy import read_anatomy, read_cell_lines, read_cells
from keci.knowledge.sources.chemicals import read_chebi, read_unii
from keci.knowledge.sources.families import read_famplex
from keci.knowledge.sources.genes import (
    read_hgnc,
    read_rodent_genes,
    read_uniprot,
    species_symbols,
)
from keci.knowledge.sources.mesh import PROTEIN_OF_SPECIES, read_mesh
from keci.knowledge.sources.ontologies import (
    read_doid,
    read_efo,
    read_enzymes,
    read_go,
    read_hp,
    read_mirbase,
    read_mondo,
)
from keci.knowledge.sources.wheels import WheelData

Reader = Callable[[WheelData], SourceData]

OPEN_SOURCES: dict[str, Reader] = {
    "HGNC": read_hgnc,
    "FPLX": read_famplex,
    "MESH": read_mesh,
    "MONDO": read_mondo,
    "HP": read_hp,
    "DOID": read_doid,
    "CHEBI": read_chebi,
    "EC": read_enzymes,
    "GO": read_go,
    "CL": read_cells,
    "UBERON": read_anatomy,
    "EFO": read_efo,
    "UNII": read_unii,
    "UNIPROT": read_uniprot,
    "MIRBASE": read_mirbase,
    "MGI": lambda data: read_rodent_genes(data, "MGI"),
    "RGD": lambda data: read_rodent_genes(data, "RGD"),
    "CVCL": read_cell_lines,
}
"""The readers by source, the most trusted identities first."""


def build_open(
    folder: Path,
    data: WheelData,
    *,
    sources: Sequence[str] = tuple(OPEN_SOURCES),
    report: Callable[[str], None],
) -> Manifest:
    """Compile the open knowledge base into ``folder``; ``report`` is told each step.

    Raises UsageError where the wheels are not installed.
    """
    clock = BuildClock()
    read: list[SourceData] = []
    for name in sources:
        report(f"reading {name}")
        read.append(OPEN_SOURCES[name](data))
    read[0] = replace(read[0], names=(*read[0].names, *added_names()))
    return compile_sources(
        read, folder, name="open", clock=clock, report=report, same_as=_same_proteins(read)
    )


def _same_proteins(read: Sequence[SourceData]) -> Iterator[tuple[str, str]]:
    """MeSH's "Trp53 protein, mouse" and the gene that has the symbol Trp53 in the mouse."""
    genes = {
        (species, symbol.upper()): concept.id
        for source in read
        for concept in source.concepts
        for species, symbol in species_symbols(concept)
    }
    for source in read:
        for concept in source.concepts:
            match = PROTEIN_OF_SPECIES.fullmatch(concept.name)
            found = match and genes.get((match["species"], match["symbol"].upper()))
            if found and source.source.key == "MESH":
                yield concept.id, found


def added_names() -> Iterator[tuple[str, str]]:
    """Pairs of a concept's id and a name that texts use and no source has."""
    for concept_id, names in read_toml_file(Path(__file__).with_name("added_names.toml")).items():
        for name in names:
            yield concept_id, name
