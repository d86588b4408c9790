"""The ontology files that the cellxgene-ontology-guide wheel carries."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from keci.errors import DataError
from keci.knowledge.sources.terms import Term
from keci.knowledge.sources.wheels import WheelData

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DISTRIBUTION = "cellxgene-ontology-guide"
_FOLDER = "cellxgene_ontology_guide/data"


@dataclass(frozen=True, slots=True)
class CellxgeneOntology:
    """The entries of one ontology by id, each with label, synonyms, description and ancestors."""

    version: str
    entries: Mapping[str, Mapping[str, Any]]

    def terms(self) -> list[Term]:
        """The entries that are in force; parents are the ancestors at distance one."""
        return [
            Term(
                id=identity,
                name=entry["label"],
                synonyms=tuple(entry.get("synonyms", ())),
                definition=entry.get("description", ""),
                relations=tuple(
                    ("is_a", ancestor)
                    for ancestor, distance in entry["ancestors"].items()
                    if distance == 1
                ),
            )
            for identity, entry in self.entries.items()
            if not entry.get("deprecated") and entry.get("label")
        ]


def read_cellxgene(data: WheelData, ontology: str) -> CellxgeneOntology:
    """The newest version of ``ontology`` in the wheel."""
    listing = data.path(DISTRIBUTION, f"{_FOLDER}/latest_ontology_info.json")
    version = orjson.loads(listing.read_bytes())["ontologies"][ontology]["version"]
    path = data.path(DISTRIBUTION, f"{_FOLDER}/{ontology}-ontology-{version}.json.zst")
    try:
        with zstd.open(path) as stream:
            return CellxgeneOntology(version, orjson.loads(stream.read()))
    except (EOFError, zstd.ZstdError, orjson.JSONDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
