"""A knowledge base from a UMLS release of the user's own, streamed in bounded memory."""

import logging
import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np

from keci.errors import DataError, UsageError
from keci.knowledge.base.compile import BuildClock, common_words
from keci.knowledge.base.folder import Description, Manifest, write_folder
from keci.knowledge.base.ragged import Integers
from keci.knowledge.base.records import ConceptRecord, SourceRecord
from keci.knowledge.base.tables import TableBuilder, TripleBuilder, Triples
from keci.knowledge.sources.rrf import RrfFolder
from keci.knowledge.sources.umls_filter import UmlsFilter
from keci.knowledge.sources.umls_relations import RELATION_NAMES, umls_relation

_LOGGER = logging.getLogger(__name__)
_MARKUP = re.compile(r"<[^<>]+>")
_SYMBOL_TERM_TYPES = {"ACR", "AB", "SYM"}
_UNRANKED = "0000"
_VOCABULARIES = {"MSH": "MESH:{}", "HGNC": "{}", "GO": "{}", "HPO": "{}", "MTHSPL": "UNII:{}"}
_DEFINING_SOURCES = ("MSH", "NCI", "GO", "HPO", "SNOMEDCT_US", "CSP")
_NO_CONCEPT = -1


def build_umls(
    folder: Path,
    *,
    meta: Path,
    net: Path | None,
    wanted: UmlsFilter,
    report: Callable[[str], None],
) -> Manifest:
    """Compile the release in ``meta`` (META) and ``net`` (NET) into ``folder``.

    MRCONSO and MRSTY are enough; what the other files would add is told in the log.
    Raises UsageError where a file is missing, DataError where one is not what the release promises.
    """
    clock = BuildClock()
    release, network = RrfFolder(meta), RrfFolder(net) if net else None
    for file in ("MRCONSO.RRF", "MRSTY.RRF"):
        if not release.has(file):
            raise UsageError(f"{meta} has no {file}, neither plain nor as {file}.gz")
    _tell_absent(release, network)
    type_names = _type_names(release, network)
    relation_names = _relation_names(network)
    report("reading definitions")
    words = common_words(row[2] for row in _definition_rows(release))
    builder = TableBuilder(
        type_codes=tuple(type_names), relation_names=relation_names, common_words=words
    )
    report("reading concepts")
    numbering = _Numbering()
    for concept in _concepts(release, wanted):
        numbering.add(concept.id.removeprefix("UMLS:"), len(builder))
        builder.add(concept)
    report("reading relations")
    triples = _triples(release, wanted, numbering, relation_names)
    report("indexing names")
    type_relations = (
        _type_relations(network, tuple(type_names), relation_names) if network else None
    )
    tables = builder.finish(triples, type_relations)
    report("writing")
    source = _source(release, meta, len(builder), len(triples.heads))
    description = Description("umls", type_names, relation_names, (source,))
    return write_folder(tables, folder, description=description, build=clock.record)


class _Numbering:
    """The indices of concepts by the number in their CUI, 4 bytes each."""

    def __init__(self) -> None:
        self._indices = array("i")

    def add(self, cui: str, index: int) -> None:
        number = self._number(cui)
        if number >= len(self._indices):
            self._indices.extend([_NO_CONCEPT] * (number + 1 - len(self._indices)))
        self._indices[number] = index

    def index(self, cui: str) -> int:
        """The index of a concept, _NO_CONCEPT if it did not enter; DataError if it is no CUI."""
        number = self._number(cui)
        return self._indices[number] if number < len(self._indices) else _NO_CONCEPT

    def _number(self, cui: str) -> int:
        if len(cui) != 8 or cui[0] != "C" or not cui[1:].isdecimal():
            raise DataError(f"expected a CUI like C0000005, found {cui!r}")
        return int(cui[1:])


def _tell_absent(release: RrfFolder, network: RrfFolder | None) -> None:
    absent = {
        "MRREL.RRF": "concepts have no relations",
        "MRDEF.RRF": "concepts have no definitions",
        "MRRANK.RRF": "preferred names follow the flags of MRCONSO alone",
    }
    for file, consequence in absent.items():
        if not release.has(file):
            _LOGGER.warning("%s has no %s: %s", release.folder, file, consequence)
    if network is None:
        _LOGGER.warning("no Semantic Network: types are related as their concepts are")


def _type_names(release: RrfFolder, network: RrfFolder | None) -> dict[str, str]:
    """The names of all types by code: the network's, and those that only MRSTY knows."""
    names = {
        code: name
        for kind, code, name in (network.rows("SRDEF", ("RT", "UI", "STY/RL")) if network else ())
        if kind == "STY"
    }
    for code, name in release.rows("MRSTY.RRF", ("TUI", "STY")):
        names.setdefault(code, name)
    return dict(sorted(names.items()))


def _relation_names(network: RrfFolder | None) -> tuple[str, ...]:
    rows = network.rows("SRDEF", ("RT", "STY/RL")) if network else iter(())
    names = {name for kind, name in rows if kind == "RL"}
    return tuple(sorted({*names, *RELATION_NAMES}))


def _type_relations(
    network: RrfFolder, type_codes: Sequence[str], relation_names: Sequence[str]
) -> Integers:
    """The inferred triples of the network (triples, 4), each counted once.

    Raises DataError where one names a relation that SRDEF does not have.
    """
    relations = {
        code: relation_names.index(name)
        for kind, code, name in network.rows("SRDEF", ("RT", "UI", "STY/RL"))
        if kind == "RL"
    }
    types = {code: index for index, code in enumerate(type_codes)}
    rows = []
    for number, (head, relation, tail) in enumerate(network.triples("SRSTRE1"), start=1):
        if head in types and tail in types:
            if relation not in relations:
                raise DataError(
                    f"{network.folder / 'SRSTRE1'}:{number}: SRDEF has no relation {relation}; "
                    "the two files are not of one release, or SRDEF is cut off"
                )
            rows.append((types[head], types[tail], relations[relation], 1))
    return np.array(sorted(rows), dtype=np.int32).reshape(-1, 4)


def _concepts(release: RrfFolder, wanted: UmlsFilter) -> Iterator[ConceptRecord]:
    """The concepts in the order of their ids, joined from three files sorted by them."""
    ranks = _ranks(release)
    types = _SortedGroups(_type_rows(release), "MRSTY.RRF")
    definitions = _SortedGroups(_definition_rows(release), "MRDEF.RRF")
    for cui, atoms in _grouped(_atom_rows(release, wanted), "MRCONSO.RRF"):
        codes = sorted({row[1] for row in types.of(cui)})
        described = definitions.of(cui)
        if codes and (not wanted.types or any(code in wanted.types for code in codes)):
            yield _concept(cui, atoms, tuple(codes), _best_definition(described), ranks)
    types.finish()
    definitions.finish()


def _concept(
    cui: str,
    atoms: Sequence[Sequence[str]],
    codes: tuple[str, ...],
    definition: str,
    ranks: Mapping[tuple[str, str], str],
) -> ConceptRecord:
    def preference(atom: Sequence[str]) -> tuple[bool, bool, bool, str, str]:
        _, status, string_type, is_preferred, source, term_type, _, name, _ = atom
        rank = ranks.get((source, term_type), _UNRANKED)
        return status == "P", string_type == "PF", is_preferred == "Y", rank, name

    ordered = sorted(atoms, key=preference, reverse=True)
    names = dict.fromkeys(atom[7] for atom in ordered)
    symbols = {atom[7] for atom in atoms if atom[5] in _SYMBOL_TERM_TYPES}
    name, *others = names
    xrefs = {_VOCABULARIES[atom[4]].format(atom[6]) for atom in atoms if atom[4] in _VOCABULARIES}
    return ConceptRecord(
        id=f"UMLS:{cui}",
        name=name,
        types=codes,
        symbols=tuple(other for other in others if other in symbols),
        synonyms=tuple(other for other in others if other not in symbols),
        definition=definition,
        xrefs=tuple(sorted(xrefs)),
        name_is_symbol=name in symbols,
    )


def _atom_rows(release: RrfFolder, wanted: UmlsFilter) -> Iterator[list[str]]:
    columns = ("CUI", "TS", "STT", "ISPREF", "SAB", "TTY", "CODE", "STR", "SUPPRESS", "LAT")
    for row in release.rows("MRCONSO.RRF", columns):
        if (
            row[9] == wanted.language
            and row[8] in wanted.suppress
            and (not wanted.sources or row[4] in wanted.sources)
            and row[7].strip()
        ):
            yield row[:9]


def _type_rows(release: RrfFolder) -> Iterator[list[str]]:
    return release.rows("MRSTY.RRF", ("CUI", "TUI"))


def _definition_rows(release: RrfFolder) -> Iterator[list[str]]:
    """Definitions that are not suppressed: CUI, source, text."""
    if release.has("MRDEF.RRF"):
        for row in release.rows("MRDEF.RRF", ("CUI", "SAB", "DEF", "SUPPRESS")):
            if row[3] == "N":
                yield row[:3]


def _best_definition(rows: Sequence[Sequence[str]]) -> str:
    """The definition of the source that comes first in _DEFINING_SOURCES, else the first one."""

    def rank(row: Sequence[str]) -> int:
        known = row[1] in _DEFINING_SOURCES
        return _DEFINING_SOURCES.index(row[1]) if known else len(_DEFINING_SOURCES)

    return _MARKUP.sub("", min(rows, key=rank)[2]) if rows else ""


def _ranks(release: RrfFolder) -> dict[tuple[str, str], str]:
    if not release.has("MRRANK.RRF"):
        return {}
    columns = ("RANK", "SAB", "TTY")
    return {(source, kind): rank for rank, source, kind in release.rows("MRRANK.RRF", columns)}


def _triples(
    release: RrfFolder, wanted: UmlsFilter, numbering: _Numbering, names: Sequence[str]
) -> Triples:
    kinds = {name: index for index, name in enumerate(names)}
    triples = TripleBuilder()
    if not release.has("MRREL.RRF"):
        return triples.finish()
    columns = ("CUI1", "REL", "CUI2", "RELA", "SAB", "SUPPRESS")
    for first, rel, second, rela, source, suppress in release.rows("MRREL.RRF", columns):
        if suppress not in wanted.suppress or (wanted.sources and source not in wanted.sources):
            continue
        found = umls_relation(rel, rela)
        if found is None:
            continue
        one, other = numbering.index(first), numbering.index(second)
        if one != _NO_CONCEPT and other != _NO_CONCEPT:
            head, tail = (one, other) if found.inverted else (other, one)
            triples.add(head, tail, kinds[found.name])
    return triples.finish()


class _SortedGroups:
    """The rows of a file sorted by CUI, asked for in ascending order of it."""

    def __init__(self, rows: Iterator[list[str]], file: str) -> None:
        self._groups = _grouped(rows, file)
        self._next = next(self._groups, None)

    def of(self, cui: str) -> list[list[str]]:
        while self._next is not None and self._next[0] < cui:
            self._next = next(self._groups, None)
        return self._next[1] if self._next is not None and self._next[0] == cui else []

    def finish(self) -> None:
        """Read to the end of the file, so that what is wrong there is found too."""
        for _ in self._groups:
            pass


def _grouped(rows: Iterator[list[str]], file: str) -> Iterator[tuple[str, list[list[str]]]]:
    """Rows by their first column; raises DataError where they are not sorted by it."""
    last = ""
    for cui, group in groupby(rows, key=itemgetter(0)):
        if cui < last:
            raise DataError(f"{file} must be sorted by CUI as releases are: {cui} follows {last}")
        last = cui
        yield cui, list(group)


def _source(
    release: RrfFolder, meta: Path, concept_count: int, relation_count: int
) -> SourceRecord:
    return SourceRecord(
        key="UMLS",
        title="Unified Medical Language System",
        version=_version(release) or meta.resolve().parent.name,
        licence="UMLS Metathesaurus licence; the folder must not be passed on to others",
        url="https://www.nlm.nih.gov/research/umls/",
        concepts=concept_count,
        relations=relation_count,
    )


def _version(release: RrfFolder) -> str:
    """The release that MRSAB names for the Metathesaurus itself, empty where it is missing."""
    if not release.has("MRSAB.RRF"):
        return ""
    rows = release.rows("MRSAB.RRF", ("RSAB", "SVER"))
    return next((version for source, version in rows if source == "MTH"), "")
