"""The knowledge base: concepts with names, semantic types, definitions and relations."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from keci.cache import Cache
from keci.knowledge.base.folder import Description, Manifest, manifest_in_memory, read_folder
from keci.knowledge.base.ragged import Integers, StringTable, ragged_positions
from keci.knowledge.base.records import ConceptRecord, RelationRecord
from keci.knowledge.base.tables import TableBuilder, Tables
from keci.knowledge.base.vocabulary import TYPE_NAMES

_EMPTY = np.empty(0, dtype=np.int32)
_EMPTY_FLAGS = np.empty(0, dtype=np.uint8)
_SUMMARIES = 1 << 14
_PARENT_RELATIONS = ("isa", "part_of", "has_role")


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept; ``sources`` are the ids of all merged source concepts, its own ``id`` first."""

    index: int
    id: str
    name: str
    types: tuple[str, ...]
    names: tuple[str, ...]
    definition: str
    definition_is_synthetic: bool
    sources: tuple[str, ...]
    xrefs: tuple[str, ...]


class KnowledgeBase:
    """Concepts behind their index, whether memory-mapped from a folder or made in memory.

    All methods only read, so that one instance serves any number of threads.
    """

    def __init__(self, tables: Tables, manifest: Manifest, folder: Path | None = None) -> None:
        """``folder`` is where the base lies; None for one in memory."""
        self.folder = folder
        self.tables = tables
        self.manifest = manifest
        self.name = manifest.description.name
        self.fingerprint = manifest.fingerprint
        self.type_codes = tuple(manifest.description.type_names)
        self.relation_names = manifest.description.relation_names
        self.type_names = manifest.description.type_names
        self._summaries = Cache[int, tuple[str, str, tuple[str, ...], tuple[str, ...]]](_SUMMARIES)

    def __len__(self) -> int:
        return len(self.tables.name_splits) - 1

    def concept(self, index: int) -> Concept:
        """The concept with this index; raises IndexError where there is none."""
        if not 0 <= index < len(self):
            raise IndexError(f"concept {index} of {len(self)}")
        names, types, sources = self.names(index), self.types(index), self.sources(index)
        definition = self.tables.definitions[index]
        return Concept(
            index=index,
            id=sources[0],
            name=names[0],
            types=types,
            names=names,
            definition=definition or self._synthetic_definition(index, names, types),
            definition_is_synthetic=not definition,
            sources=sources,
            xrefs=self.xrefs(index),
        )

    def concept_id(self, index: int) -> str:
        return self.tables.sources[int(self.tables.source_splits[index])]

    def preferred_name(self, index: int) -> str:
        return self.tables.names[int(self.tables.name_splits[index])]

    def summary(self, index: int) -> tuple[str, str, tuple[str, ...], tuple[str, ...]]:
        """Id, preferred name and types of a concept, and its ids in other vocabularies."""
        known = self._summaries.get(index)
        if known is None:
            known = self._summaries.put(
                index,
                (
                    self.concept_id(index),
                    self.preferred_name(index),
                    self.types(index),
                    (*self.sources(index)[1:], *self.xrefs(index)),
                ),
            )
        return known

    @cached_property
    def vocabularies(self) -> frozenset[str]:
        """The vocabularies that ids of concepts are of: ``MESH`` of ``MESH:D000001``."""
        return self.tables.sources.heads(":") | self.tables.xrefs.heads(":")

    def names(self, index: int) -> tuple[str, ...]:
        """The names of a concept, preferred one first."""
        return _group(self.tables.names, self.tables.name_splits, index)

    def sources(self, index: int) -> tuple[str, ...]:
        """The ids of all source concepts that were merged into a concept, its own first."""
        return _group(self.tables.sources, self.tables.source_splits, index)

    def xrefs(self, index: int) -> tuple[str, ...]:
        """The ids of a concept in vocabularies outside the knowledge base."""
        return _group(self.tables.xrefs, self.tables.xref_splits, index)

    def types(self, index: int) -> tuple[str, ...]:
        """The codes of a concept's semantic types."""
        start, end = _bounds(self.tables.type_splits, index)
        numbers = self.tables.type_indices[start:end]
        return tuple([self.type_codes[number] for number in numbers.tolist()])

    def find(self, concept_id: str) -> int | None:
        """The index of the concept with this id, or that a concept with this id was merged into."""
        number = self.tables.concept_ids.get(concept_id)
        return None if number is None else int(self.tables.id_concepts[number])

    def candidates(self, normalised_name: str) -> Integers:
        """The concepts that a normalised name denotes (concepts,), best first."""
        return self.postings(normalised_name)[0]

    def postings(self, normalised_name: str) -> tuple[Integers, npt.NDArray[np.uint8]]:
        """The candidates of a name and the flags of tables.py that say how it is written."""
        key = self.tables.name_keys.get(normalised_name)
        if key is None:
            return _EMPTY, _EMPTY_FLAGS
        start, end = _bounds(self.tables.posting_splits, key)
        return self.tables.posting_concepts[start:end], self.tables.posting_flags[start:end]

    def concept_types(
        self, indices: Sequence[int] | npt.NDArray[np.integer]
    ) -> tuple[Integers, Integers]:
        """The types of concepts: splits (concepts + 1,) and semantic type indices, ascending."""
        rows = np.asarray(indices, dtype=np.int64)
        counts = self.tables.type_splits[rows + 1] - self.tables.type_splits[rows]
        splits = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
        positions = ragged_positions(self.tables.type_splits, rows)
        return splits, self.tables.type_indices[positions].astype(np.int32)

    def neighbours(self, index: int) -> tuple[Integers, Integers]:
        """The outgoing relations of a concept: tails (relations,) and their relation indices."""
        start, end = _bounds(self.tables.relation_splits, index)
        kinds = self.tables.relation_kinds[start:end].astype(np.int32)
        return np.asarray(self.tables.relation_tails[start:end]), kinds

    def has_relations(self, index: int) -> bool:
        """Whether relations start at a concept."""
        start, end = _bounds(self.tables.relation_splits, index)
        return start < end

    def outgoing(
        self, indices: Sequence[int] | npt.NDArray[np.integer]
    ) -> tuple[Integers, Integers, Integers]:
        """The relations that start at concepts: splits (concepts + 1,), tails, relation indices."""
        rows = np.asarray(indices, dtype=np.int64)
        splits = self.tables.relation_splits
        counts = splits[rows + 1] - splits[rows]
        positions = ragged_positions(splits, rows)
        kinds = self.tables.relation_kinds[positions].astype(np.int32)
        row_splits = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
        return row_splits, self.tables.relation_tails[positions], kinds

    def in_degrees(self, indices: Sequence[int] | npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
        """How many relations end at each of the concepts."""
        return self._all_in_degrees[np.asarray(indices, dtype=np.int64)]

    @cached_property
    def _all_in_degrees(self) -> npt.NDArray[np.int64]:
        return np.bincount(self.tables.relation_tails, minlength=len(self))

    def type_relations(self) -> tuple[Integers, Integers, Integers]:
        """The relations between semantic types: heads, tails, relation indices."""
        heads, tails, kinds, _ = np.ascontiguousarray(np.asarray(self.tables.type_relations).T)
        return heads, tails, kinds

    def type_name(self, code: str) -> str:
        """The name of a semantic type, such as "Gene or Genome" for T028."""
        return self.type_names[code]

    def _synthetic_definition(
        self, index: int, names: tuple[str, ...], types: tuple[str, ...]
    ) -> str:
        kinds = " and ".join(self.type_name(code).lower() for code in types)
        sentence = f"{names[0]}: {kinds}"
        tails, relations = self.neighbours(index)
        for wanted in _PARENT_RELATIONS:
            chosen = [
                self.preferred_name(int(tail))
                for tail, relation in zip(tails, relations, strict=True)
                if self.relation_names[relation] == wanted
            ][:3]
            if chosen:
                sentence += f"; {wanted.replace('_', ' ')} {', '.join(chosen)}"
        if len(names) > 1:
            sentence += f"; also called {', '.join(names[1:4])}"
        return sentence + "."


def open_knowledge_base(path: Path) -> KnowledgeBase:
    """Map the knowledge base in the folder ``path``; raises KnowledgeBaseError if it is not whole.

    Sizes and headers of all files are checked; ``folder.verify_folder`` checks their hashes too.
    """
    tables, manifest = read_folder(path)
    return KnowledgeBase(tables, manifest, path)


def knowledge_base_in_memory(
    concepts: Iterable[ConceptRecord],
    relations: Iterable[RelationRecord] = (),
    *,
    name: str = "memory",
    type_names: Mapping[str, str] = TYPE_NAMES,
    common_words: frozenset[str] = frozenset(),
) -> KnowledgeBase:
    """A knowledge base of a few records, for tests and experiments."""
    records, triples = tuple(concepts), tuple(relations)
    relation_names = tuple(sorted({record.relation for record in triples}))
    used = {code for concept in records for code in concept.types}
    kept_types = {code: type_names[code] for code in sorted(used)}
    builder = TableBuilder(
        type_codes=tuple(kept_types),
        relation_names=relation_names,
        common_words=common_words,
        min_type_count=1,
    )
    for record in records:
        builder.add(record)
    tables = builder.finish(triples)
    description = Description(name, kept_types, relation_names)
    return KnowledgeBase(tables, manifest_in_memory(tables, description))


def _group(strings: StringTable, splits: Integers, row: int) -> tuple[str, ...]:
    return strings.group(*_bounds(splits, row))


def _bounds(splits: Integers, row: int) -> tuple[int, int]:
    """Where a row of a ragged array starts and ends."""
    return splits.item(row), splits.item(row + 1)


def describe(concept: Concept, knowledge_base: KnowledgeBase) -> dict[str, Any]:
    """A concept as a plain dictionary, for output."""
    return {
        "id": concept.id,
        "name": concept.name,
        "types": [{"code": code, "name": knowledge_base.type_name(code)} for code in concept.types],
        "names": list(concept.names),
        "definition": concept.definition,
        "definition_is_synthetic": concept.definition_is_synthetic,
        "sources": list(concept.sources),
        "xrefs": list(concept.xrefs),
    }
