"""Where the data files of installed wheels lie; their packages are never imported."""

import importlib.metadata
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from keci.errors import DataError, UsageError
from keci.knowledge.sources.terms import Term


class WheelData:
    """Finds files of distributions in ``folder``, or in the running Python's path if it is None.

    A folder is made by ``keci.knowledge.sources.fetching.fetch_open_data``.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def path(self, distribution: str, file: str) -> Path:
        """The path of a file as its wheel names it; raises UsageError where it is not there."""
        path = Path(str(self._distribution(distribution).locate_file(file)))
        if not path.is_file():
            raise UsageError(f"{distribution} has no file {file} at {path}; {self._advice()}")
        return path

    def version(self, distribution: str) -> str:
        return self._distribution(distribution).version

    def _distribution(self, name: str) -> importlib.metadata.Distribution:
        found = next(self._candidates(name), None)
        if found is None:
            raise UsageError(f"the data of {name} is not installed; {self._advice()}")
        return found

    def _candidates(self, name: str) -> Iterator[importlib.metadata.Distribution]:
        if self._folder is None:
            yield from importlib.metadata.distributions(name=name)
        else:
            yield from importlib.metadata.distributions(name=name, path=[str(self._folder)])

    def _advice(self) -> str:
        folder = "" if self._folder is None else f" into {self._folder}"
        return f"--fetch gets what is pinned{folder}"


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
