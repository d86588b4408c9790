"""Several compiled knowledge bases as one."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt

from keci.knowledge.base.compile import BuildClock, IdentityGroups, common_words, merge_records
from keci.knowledge.base.folder import Description, Manifest, write_folder
from keci.knowledge.base.ragged import Integers, StringTable
from keci.knowledge.base.records import ConceptRecord
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.base.tables import RELATED, SYMBOL, TableBuilder, TripleBuilder, Triples
from keci.knowledge.linking.normalise import normalise


def merge_knowledge_bases(
    bases: Sequence[KnowledgeBase], folder: Path, *, name: str, report: Callable[[str], None]
) -> Manifest:
    """Write the union of ``bases`` to ``folder``.

    Concepts merge where an id or a cross-reference of one is an id of the other, at most one of
    each base into one; where a name is ambiguous, the concepts of earlier bases come first.
    """
    clock = BuildClock()
    report("merging concepts")
    type_names = {code: name for base in reversed(bases) for code, name in base.type_names.items()}
    relation_names = tuple(sorted({name for base in bases for name in base.relation_names}))
    builder = TableBuilder(
        type_codes=tuple(sorted(type_names)),
        relation_names=relation_names,
        common_words=common_words(_definitions(bases)),
    )
    groups = _groups(bases)
    clock.links_not_followed = len(groups.refused)
    new_indices = _add_concepts(bases, groups, builder)
    report("merging relations")
    triples = _triples(bases, new_indices, relation_names)
    type_relations = _type_relations(bases, tuple(sorted(type_names)), relation_names)
    report("indexing names")
    tables = builder.finish(triples, type_relations)
    report("writing")
    sources = tuple(source for base in bases for source in base.manifest.description.sources)
    sorted_names = dict(sorted(type_names.items()))
    description = Description(name, sorted_names, relation_names, sources)
    return write_folder(tables, folder, description=description, build=clock.record)


def _definitions(bases: Sequence[KnowledgeBase]) -> Iterator[str]:
    for base in bases:
        strings = base.tables.definitions
        yield from (strings[index] for index in range(len(strings)))


def _groups(bases: Sequence[KnowledgeBase]) -> IdentityGroups[tuple[int, int]]:
    """Groups of (base, concept) that denote one thing; only concepts that have a partner."""
    groups = IdentityGroups[tuple[int, int]](lambda member: str(member[0]))
    for first, second in combinations(range(len(bases)), 2):
        for one, other in ((first, second), (second, first)):
            for index, identity in chain(
                _strings(bases[one].tables.source_splits, bases[one].tables.sources),
                _strings(bases[one].tables.xref_splits, bases[one].tables.xrefs),
            ):
                found = bases[other].find(identity)
                if found is not None:
                    groups.join((one, index), (other, found))
    return groups


def _strings(splits: Integers, strings: StringTable) -> Iterator[tuple[int, str]]:
    owners = np.repeat(np.arange(len(splits) - 1), np.diff(splits))
    for index, owner in enumerate(owners.tolist()):
        yield owner, strings[index]


def _add_concepts(
    bases: Sequence[KnowledgeBase],
    groups: IdentityGroups[tuple[int, int]],
    builder: TableBuilder,
) -> list[npt.NDArray[np.int32]]:
    """Add each group once; the new index of every concept, base by base."""
    new_indices = [np.full(len(base), -1, dtype=np.int32) for base in bases]
    for number, base in enumerate(bases):
        for index in range(len(base)):
            members = groups.members((number, index))
            if members[0] != (number, index):
                continue
            for other, other_index in members:
                new_indices[other][other_index] = len(builder)
            builder.add(
                merge_records([_record(bases[other], row, other) for other, row in members])
            )
    return new_indices


def _record(base: KnowledgeBase, index: int, priority: int) -> ConceptRecord:
    """A concept as it was compiled; the flags of its postings say what kind each name is."""
    name, *others = names = base.names(index)
    kinds = {name: _flags(base, index, name) for name in names}
    sources = base.sources(index)
    return ConceptRecord(
        id=sources[0],
        name=name,
        types=base.types(index),
        symbols=tuple(other for other in others if kinds[other] & (SYMBOL | RELATED) == SYMBOL),
        synonyms=tuple(other for other in others if not kinds[other] & (SYMBOL | RELATED)),
        related=tuple(other for other in others if kinds[other] & RELATED),
        definition=base.tables.definitions[index],
        sources=sources,
        xrefs=base.xrefs(index),
        priority=priority,
        name_is_symbol=bool(kinds[name] & SYMBOL),
    )


def _flags(base: KnowledgeBase, index: int, name: str) -> int:
    concepts, flags = base.postings(normalise(name))
    found = np.flatnonzero(concepts == index)
    return int(flags[found[0]]) if len(found) else 0


def _triples(
    bases: Sequence[KnowledgeBase],
    new_indices: Sequence[npt.NDArray[np.int32]],
    relation_names: Sequence[str],
) -> Triples:
    triples = TripleBuilder()
    for base, new in zip(bases, new_indices, strict=True):
        kinds = _renumbering(base.relation_names, relation_names)
        heads = np.repeat(np.arange(len(base)), np.diff(base.tables.relation_splits))
        triples.add_all(
            Triples(
                heads=new[heads],
                tails=new[base.tables.relation_tails],
                kinds=kinds[base.tables.relation_kinds].astype(np.uint8),
            )
        )
    return triples.finish()


def _type_relations(
    bases: Sequence[KnowledgeBase], type_codes: Sequence[str], relation_names: Sequence[str]
) -> Integers:
    """The type relations of all bases; where several have one, their counts add up."""
    parts = []
    for base in bases:
        types = _renumbering(base.type_codes, type_codes)
        kinds = _renumbering(base.relation_names, relation_names)
        rows = np.asarray(base.tables.type_relations)
        parts.append(
            np.column_stack([types[rows[:, 0]], types[rows[:, 1]], kinds[rows[:, 2]], rows[:, 3]])
        )
    rows = np.concatenate(parts)
    triples, inverse = np.unique(rows[:, :3], axis=0, return_inverse=True)
    counts = np.bincount(inverse.reshape(-1), weights=rows[:, 3], minlength=len(triples))
    return np.column_stack([triples, counts]).astype(np.int32)


def _renumbering(old: Sequence[str], new: Sequence[str]) -> npt.NDArray[np.int32]:
    numbers = {name: number for number, name in enumerate(new)}
    return np.array([numbers[name] for name in old], dtype=np.int32)
