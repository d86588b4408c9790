"""The arrays that a knowledge base consists of, and how they are made from records."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import marisa_trie
import numpy as np
import numpy.typing as npt

from keci.errors import KnowledgeBaseError
from keci.knowledge.base.ragged import (
    Integers,
    StringTable,
    StringTableBuilder,
    first_of_each,
    ragged_positions,
    splits_of,
)
from keci.knowledge.base.records import ConceptRecord, RelationRecord, all_names
from keci.knowledge.base.vocabulary import GENE
from keci.knowledge.linking.normalise import GREEK_LETTERS, name_keys

_INDEX_BITS = 28
_KIND_BITS = 8
_CHUNK = 1 << 22


@dataclass(frozen=True, slots=True)
class Triples:
    """Distinct relations (triples,), sorted by head, then tail, then kind."""

    heads: Integers
    tails: Integers
    kinds: npt.NDArray[np.uint8]


class TripleBuilder:
    """Collects relations in any order; 8 bytes each, repeats dropped chunk by chunk."""

    def __init__(self) -> None:
        self._chunk = array("Q")
        self._packed: list[npt.NDArray[np.uint64]] = []

    def add(self, head: int, tail: int, kind: int) -> None:
        """Add a relation between two concept indices; one of a concept to itself is left out."""
        if head == tail:
            return
        self._chunk.append(((head << _INDEX_BITS | tail) << _KIND_BITS) | kind)
        if len(self._chunk) >= _CHUNK:
            self._pack()

    def add_all(self, triples: Triples) -> None:
        """Add relations whose ends are concept indices already; ends that are -1 are left out."""
        present = (triples.heads >= 0) & (triples.tails >= 0) & (triples.heads != triples.tails)
        heads = triples.heads[present].astype(np.uint64) << np.uint64(_INDEX_BITS)
        ends = (heads | triples.tails[present].astype(np.uint64)) << np.uint64(_KIND_BITS)
        self._packed.append(np.unique(ends | triples.kinds[present].astype(np.uint64)))

    def finish(self) -> Triples:
        """All relations; raises KnowledgeBaseError where an index needs more than 28 bits."""
        self._pack()
        packed = np.unique(np.concatenate(self._packed))
        ends = packed >> np.uint64(_KIND_BITS)
        mask = np.uint64((1 << _INDEX_BITS) - 1)
        return Triples(
            heads=(ends >> np.uint64(_INDEX_BITS)).astype(np.int32),
            tails=(ends & mask).astype(np.int32),
            kinds=(packed & np.uint64((1 << _KIND_BITS) - 1)).astype(np.uint8),
        )

    def _pack(self) -> None:
        self._packed.append(np.unique(np.array(self._chunk, dtype=np.uint64)))
        self._chunk = array("Q")


def check_sizes(concept_count: int, relation_count: int) -> None:
    """Raise KnowledgeBaseError where the numbers do not fit into a packed relation."""
    if concept_count >= 1 << _INDEX_BITS or relation_count > 1 << _KIND_BITS:
        raise KnowledgeBaseError(
            f"at most {1 << _INDEX_BITS:,} concepts and {1 << _KIND_BITS} relations are possible, "
            f"found {concept_count:,} and {relation_count}"
        )


def observe_type_relations(
    triples: Triples,
    type_splits: Integers,
    type_indices: npt.NDArray[np.int16],
    *,
    min_count: int,
) -> Integers:
    """The relations seen between types, (triples, 4): head type, tail type, relation, count.

    A triple of concepts counts once for each pair of their types; pairs seen less than
    ``min_count`` times are left out.
    """
    counts = np.diff(type_splits)
    head_repeats = np.repeat(np.arange(len(triples.heads)), counts[triples.heads])
    head_types = type_indices[ragged_positions(type_splits, triples.heads)]
    tails = triples.tails[head_repeats]
    pair_rows = np.repeat(np.arange(len(head_repeats)), counts[tails])
    tail_types = type_indices[ragged_positions(type_splits, tails)]
    kinds = triples.kinds[head_repeats[pair_rows]].astype(np.int16)
    rows = np.stack([head_types[pair_rows], tail_types, kinds], axis=1).astype(np.int32)
    found, occurrences = np.unique(rows, axis=0, return_counts=True)
    kept = occurrences >= min_count
    return np.column_stack([found[kept], occurrences[kept]]).astype(np.int32)


STRICT = 1
"""Posting flag: an English word whose spelling as a name differs; its case must agree."""
SYMBOL = 2
"""Posting flag: the name is a symbol, so a text in capitals means this one rather than a word."""

RELATED = 4
"""Posting flag: the name denotes something near the concept rather than the concept."""

MAX_KEY_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Tables:
    """The content of a knowledge base.

    Concept c has the names ``names[name_splits[c]:name_splits[c + 1]]`` (preferred one first), and
    likewise sources (its own id first), xrefs, types and outgoing relations. Key k of ``name_keys``
    (a trie) denotes the concepts ``posting_concepts[posting_splits[k]:posting_splits[k + 1]]``,
    best first.
    """

    name_keys: marisa_trie.Trie
    concept_ids: marisa_trie.Trie
    id_concepts: Integers
    posting_splits: Integers
    posting_concepts: Integers
    posting_flags: npt.NDArray[np.uint8]
    names: StringTable
    name_splits: Integers
    sources: StringTable
    source_splits: Integers
    xrefs: StringTable
    xref_splits: Integers
    definitions: StringTable
    type_splits: Integers
    type_indices: npt.NDArray[np.int16]
    relation_splits: Integers
    relation_tails: Integers
    relation_kinds: npt.NDArray[np.uint8]
    type_relations: Integers


class TableBuilder:
    """Turns concepts and relations, given in a fixed order, into Tables.

    ``common_words`` are the English words that a symbol may be spelled like; ``type_codes`` and
    ``relation_names`` fix the numbering of types and relations. Two types are related where at
    least ``min_type_count`` pairs of their concepts are.
    """

    def __init__(
        self,
        *,
        type_codes: Sequence[str],
        relation_names: Sequence[str],
        common_words: frozenset[str] = frozenset(),
        min_type_count: int = 20,
    ) -> None:
        self._type_index = {code: index for index, code in enumerate(type_codes)}
        self._relation_index = {name: index for index, name in enumerate(relation_names)}
        self._common_words = common_words
        self._min_type_count = min_type_count
        self._names = StringTableBuilder()
        self._sources = StringTableBuilder()
        self._xrefs = StringTableBuilder()
        self._definitions = StringTableBuilder()
        self._types = array("h")
        self._type_splits = array("i", [0])
        self._keys = bytearray()
        self._key_concepts = array("i")
        self._key_ranks = array("i")
        self._key_flags = array("B")

    def __len__(self) -> int:
        return len(self._type_splits) - 1

    def add(self, concept: ConceptRecord) -> None:
        """Append a concept; raises KnowledgeBaseError for an unknown type."""
        unknown = [code for code in concept.types if code not in self._type_index]
        if unknown or not concept.types:
            raise KnowledgeBaseError(f"{concept.id}: unknown or missing types {unknown}")
        self._index_names(concept)
        for name in all_names(concept):
            self._names.append(name)
        for source in dict.fromkeys((concept.id, *concept.sources)):
            self._sources.append(source)
        for xref in concept.xrefs:
            self._xrefs.append(xref)
        self._definitions.append(concept.definition)
        for strings in (self._names, self._sources, self._xrefs):
            strings.end_group()
        self._types.extend(sorted(self._type_index[code] for code in set(concept.types)))
        self._type_splits.append(len(self._types))

    def finish(
        self,
        relations: Iterable[RelationRecord] | Triples,
        type_relations: Integers | None = None,
    ) -> Tables:
        """The tables of all that was added; relations whose ends are unknown are left out.

        ``type_relations`` (triples, 4) are head type, tail type, relation and count; observed in
        the concepts' relations where none are given.
        """
        check_sizes(len(self), len(self._relation_index))
        sources, source_splits = self._sources.table(), self._sources.splits()
        concept_ids, id_concepts = _index_ids(sources, source_splits)
        name_keys_trie, postings = self._postings()
        if not isinstance(relations, Triples):
            relations = self._resolve(relations, concept_ids, id_concepts)
        type_splits = np.array(self._type_splits, dtype=np.int32)
        type_indices = np.array(self._types, dtype=np.int16)
        if type_relations is None:
            type_relations = observe_type_relations(
                relations, type_splits, type_indices, min_count=self._min_type_count
            )
        return Tables(
            name_keys=name_keys_trie,
            concept_ids=concept_ids,
            id_concepts=id_concepts,
            posting_splits=postings[0],
            posting_concepts=postings[1],
            posting_flags=postings[2],
            names=self._names.table(),
            name_splits=self._names.splits(),
            sources=sources,
            source_splits=source_splits,
            xrefs=self._xrefs.table(),
            xref_splits=self._xrefs.splits(),
            definitions=self._definitions.table(),
            type_splits=type_splits,
            type_indices=type_indices,
            relation_splits=splits_of(relations.heads, len(self)),
            relation_tails=relations.tails,
            relation_kinds=relations.kinds,
            type_relations=type_relations,
        )

    def _index_names(self, concept: ConceptRecord) -> None:
        preferred_flag = SYMBOL if concept.name_is_symbol else 0
        self._index(concept, (concept.name,), rank=0, flag=preferred_flag)
        self._index(concept, concept.symbols, rank=1, flag=SYMBOL)
        synonyms = [name for name in concept.synonyms if not self._is_mere_head(name, concept.name)]
        self._index(concept, synonyms, rank=1, flag=0)
        self._index(concept, concept.related, rank=2, flag=RELATED)

    def _index(self, concept: ConceptRecord, names: Iterable[str], *, rank: int, flag: int) -> None:
        for name in names:
            symbol = flag | (SYMBOL if is_acronym(name) else 0)
            for plural, key in enumerate(name_keys(name)):
                is_letter = key in GREEK_LETTERS
                if not 1 < len(key) <= MAX_KEY_LENGTH or (is_letter and not symbol & SYMBOL):
                    continue
                is_word = is_letter or key in self._common_words
                strict = STRICT if symbol & SYMBOL and is_word else 0
                self._keys += key.encode() + b"\n"
                self._key_concepts.append(len(self))
                self._key_ranks.append((2 * rank + (plural > 0)) * 256 + concept.priority)
                self._key_flags.append(symbol | strict)

    def _is_mere_head(self, synonym: str, name: str) -> bool:
        """Whether an English word is but the head of the concept's name: damage of DNA damage."""
        _, separator, head = name.rpartition(" ")
        return bool(separator) and synonym in self._common_words and head.lower() == synonym

    def _all_keys(self) -> Iterator[str]:
        start = 0
        while start < len(self._keys):
            end = self._keys.index(b"\n", start)
            yield self._keys[start:end].decode()
            start = end + 1

    def _postings(
        self,
    ) -> tuple[marisa_trie.Trie, tuple[Integers, Integers, npt.NDArray[np.uint8]]]:
        trie = marisa_trie.Trie(self._all_keys())
        keys = np.fromiter(map(trie.key_id, self._all_keys()), dtype=np.int32)
        concepts = np.array(self._key_concepts, dtype=np.int32)
        ranks = np.array(self._key_ranks, dtype=np.int32)
        flags = np.array(self._key_flags, dtype=np.uint8)
        order = np.lexsort((ranks, concepts, keys))
        first = first_of_each(keys[order], concepts[order])
        best = order[first]
        flags[best] = _flags_of_all(flags[order], first)
        fame = self._gene_fame()[concepts]
        best = best[np.lexsort((concepts[best], -fame[best], ranks[best], keys[best]))]
        return trie, (splits_of(keys[best], len(trie)), concepts[best], flags[best])

    def _gene_fame(self) -> Integers:
        """How many names each gene has, 0 for other concepts: (concepts,).

        Sources list what else a gene was called by number; of the genes that share an alias the one
        with most names is written of most.
        """
        gene = self._type_index.get(GENE)
        owners = np.repeat(np.arange(len(self)), np.diff(self._type_splits))
        is_gene = np.zeros(len(self), dtype=bool)
        is_gene[owners[np.asarray(self._types) == gene]] = True
        counts: Integers = np.diff(self._names.splits())
        return np.where(is_gene, counts, 0)

    def _resolve(
        self,
        relations: Iterable[RelationRecord],
        concept_ids: marisa_trie.Trie,
        id_concepts: Integers,
    ) -> Triples:
        triples = TripleBuilder()
        for record in relations:
            head, tail = concept_ids.get(record.head), concept_ids.get(record.tail)
            if head is not None and tail is not None:
                kind = self._relation_index[record.relation]
                triples.add(int(id_concepts[head]), int(id_concepts[tail]), kind)
        return triples.finish()


def _flags_of_all(
    flags: npt.NDArray[np.uint8], first: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint8]:
    """The flags of each group of rows that starts where ``first`` is set: (groups,).

    The first row tells what kind of name it is; only a name that is strict throughout is strict.
    """
    starts = np.flatnonzero(first)
    if not len(starts):
        return flags[:0]
    strict = np.bitwise_and.reduceat(flags, starts) & STRICT
    kinds = (flags[starts] & ~np.uint8(STRICT)) | strict
    return kinds.astype(np.uint8)


def is_acronym(name: str) -> bool:
    """Whether a name of one word is written with a capital after its first character."""
    return name.isalnum() and any(sign.isupper() for sign in name[1:])


def _index_ids(sources: StringTable, source_splits: Integers) -> tuple[marisa_trie.Trie, Integers]:
    ids = [sources[index] for index in range(len(sources))]
    trie = marisa_trie.Trie(ids)
    if len(trie) != len(ids):
        raise KnowledgeBaseError("two concepts share an id")
    concepts = np.empty(len(ids), dtype=np.int32)
    owners = np.repeat(np.arange(len(source_splits) - 1), np.diff(source_splits))
    concepts[[trie.key_id(concept_id) for concept_id in ids]] = owners
    return trie, concepts
