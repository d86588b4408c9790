"""Mentions and relations of a corpus counted in a DuckDB file, in bounded memory.

Rows go to the file in blocks as documents come; nodes and edges are summed up at the end, by SQL
that spills to disk. One thread, so that sums and products come out the same each time.
"""

import importlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keci.documents import Extraction, Mention
from keci.errors import UsageError
from keci.graph.mapping import BiolinkMapping
from keci.graph.nodes import MIN_WEIGHT, Node, node_of
from keci.text.sentences import split_sentences

ROWS_AT_ONCE = 50_000
_FETCHED = 10_000
_SIZE = re.compile(r"\d+(\.\d+)? ?[KMGT]i?B", re.IGNORECASE)
_TABLES = {
    "document": {"number": "UINTEGER", "id": "VARCHAR"},
    "mention": {
        "node": "VARCHAR", "name": "VARCHAR", "type": "VARCHAR", "semantic_types": "VARCHAR",
        "xrefs": "VARCHAR", "is_first": "UTINYINT",
    },
    "relation": {
        "document": "UINTEGER", "head": "VARCHAR", "type": "VARCHAR", "tail": "VARCHAR",
        "assertion": "VARCHAR", "is_first": "UTINYINT", "score": "DOUBLE",
        "head_start": "UINTEGER", "head_end": "UINTEGER", "tail_start": "UINTEGER",
        "tail_end": "UINTEGER", "sentence": "VARCHAR",
    },
}  # fmt: skip
_NODES = """
CREATE TABLE node AS
WITH named AS (
    SELECT node, name, type, semantic_types, xrefs, count(*) AS n, sum(is_first) AS firsts
    FROM mention GROUP BY ALL)
SELECT node AS id, first(name ORDER BY n DESC, type, name) AS name,
       first(type ORDER BY n DESC, type, name) AS type,
       first(semantic_types ORDER BY n DESC, type, name) AS semantic_types,
       first(xrefs ORDER BY n DESC, type, name) AS xrefs,
       sum(n)::BIGINT AS mentions, sum(firsts)::BIGINT AS documents
FROM named GROUP BY node ORDER BY node
"""
_EDGES = """
CREATE TABLE edge AS
WITH summed AS (
    SELECT head, type, tail, assertion, count(*)::BIGINT AS mentions,
           sum(is_first)::BIGINT AS documents,
           round(1 - product(1 - coalesce(score, 1)), 6) AS score
    FROM relation GROUP BY ALL)
SELECT (row_number() OVER (ORDER BY head, type, tail, assertion))::BIGINT AS number, *
FROM summed ORDER BY number
"""
EVIDENCE = """
SELECT edge.number, document.id, relation.score, relation.head_start, relation.head_end,
       relation.tail_start, relation.tail_end, relation.sentence
FROM relation
JOIN edge USING (head, type, tail, assertion)
JOIN document ON document.number = relation.document
ORDER BY edge.number, relation.document, head_start, head_end, tail_start, tail_end
"""


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node with how often it is mentioned, and in how many documents."""

    id: str
    name: str
    type: str
    semantic_types: tuple[str, ...]
    xrefs: tuple[str, ...]
    mentions: int
    documents: int


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """A relation between two nodes; ``score`` is 1 - product(1 - score) over its ``mentions``."""

    number: int
    head: str
    type: str
    tail: str
    assertion: str
    mentions: int
    documents: int
    score: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """One relation of a document, which counts for the edge with the same number."""

    edge: int
    document: str
    score: float | None
    head_start: int
    head_end: int
    tail_start: int
    tail_end: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Totals:
    """What was read, and what became of it."""

    documents: int
    mentions: int
    relations: int
    nodes: int
    edges: int


@dataclass
class _Read:
    """Counts of what was given to the graph."""

    documents: int = 0
    mentions: int = 0
    relations: int = 0


class CorpusGraph:
    """Nodes and edges over all documents that were added."""

    def __init__(
        self,
        folder: Path,
        mapping: BiolinkMapping,
        *,
        min_weight: float = MIN_WEIGHT,
        linked_only: bool = False,
        memory: str = "1GB",
    ) -> None:
        """Keep the database in ``folder``; raises UsageError where DuckDB is not installed.

        ``linked_only`` leaves out what no concept stands for. ``memory`` is what DuckDB may take,
        as ``500MB``; where that is no size, or turns out to be too little, UsageError is raised.
        """
        self.mapping = mapping
        self.min_weight = min_weight
        self.linked_only = linked_only
        self._read = _Read()
        self._rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _TABLES}
        self._memory = memory
        self._duckdb, self._arrow = _engine()
        self._database = self._opened(folder)
        for name, columns in _TABLES.items():
            described = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            self._execute(f"CREATE TABLE {name} ({described})")

    def add(self, extraction: Extraction) -> None:
        """Count the mentions and relations of a document."""
        number = self._read.documents
        self._read.documents += 1
        self._rows["document"].append((number, extraction.id))
        nodes = {mention.id: node_of(mention, self.min_weight) for mention in extraction.mentions}
        self._add_mentions(extraction.mentions, nodes)
        self._add_relations(number, extraction, nodes)
        if sum(map(len, self._rows.values())) >= ROWS_AT_ONCE:
            self._flush()

    def finish(self) -> Totals:
        """Sum everything up; the graph can be read from then on."""
        self._flush()
        self._execute(_NODES)
        self._execute(_EDGES)
        nodes, mentions = self._one("SELECT count(*), coalesce(sum(mentions), 0) FROM node")
        edges, relations = self._one("SELECT count(*), coalesce(sum(mentions), 0) FROM edge")
        assert (mentions, relations) == (self._read.mentions, self._read.relations)
        return Totals(self._read.documents, mentions, relations, nodes, edges)

    def nodes(self) -> Iterator[GraphNode]:
        """All nodes by id."""
        for row in self._stream("SELECT * FROM node ORDER BY id"):
            name, kind, types, xrefs, *counts = row[1:]
            yield GraphNode(row[0], name, kind, _split(types), _split(xrefs), *counts)

    def edges(self) -> Iterator[GraphEdge]:
        """All edges by head, type, tail and assertion."""
        for row in self._stream("SELECT * FROM edge ORDER BY number"):
            yield GraphEdge(*row)

    def evidence(self) -> Iterator[Evidence]:
        """All evidence, edge by edge, in the order of the documents."""
        for row in self._stream(EVIDENCE):
            yield Evidence(*row)

    def strongest(self, most: int) -> list[tuple[GraphEdge, str, str]]:
        """The edges of most documents, then of the highest score, with the names of their ends."""
        rows = self._stream(
            "SELECT edge.*, head.name, tail.name FROM edge "
            "JOIN node AS head ON head.id = edge.head JOIN node AS tail ON tail.id = edge.tail "
            f"ORDER BY edge.documents DESC, edge.score DESC, edge.number LIMIT {most:d}"
        )
        return [(GraphEdge(*row[:-2]), row[-2], row[-1]) for row in rows]

    def close(self) -> None:
        self._database.close()

    def _add_mentions(self, mentions: Iterable[Mention], nodes: dict[str, Node]) -> None:
        seen: set[str] = set()
        for mention in mentions:
            node = nodes[mention.id]
            if self.linked_only and not node.is_linked:
                continue
            self._read.mentions += 1
            types, xrefs = "|".join(node.semantic_types), "|".join(node.xrefs)
            row = (node.id, node.name, node.type, types, xrefs, int(node.id not in seen))
            self._rows["mention"].append(row)
            seen.add(node.id)

    def _add_relations(self, number: int, extraction: Extraction, nodes: dict[str, Node]) -> None:
        sentences = split_sentences(extraction.text) if extraction.relations else ()
        mentions = {mention.id: mention for mention in extraction.mentions}
        seen: set[tuple[str, ...]] = set()
        for relation in extraction.relations:
            head, tail = mentions[relation.head], mentions[relation.tail]
            first, second = nodes[head.id], nodes[tail.id]
            if self.mapping.is_turned(relation.type, first.id, second.id):
                head, tail, first, second = tail, head, second, first
            if self.linked_only and not (first.is_linked and second.is_linked):
                continue
            self._read.relations += 1
            key = (first.id, relation.type, second.id, relation.assertion)
            offsets = (head.start, head.end, tail.start, tail.end)
            said = _sentence(extraction.text, sentences, offsets)
            self._rows["relation"].append(
                (number, *key, int(key not in seen), relation.score, *offsets, said)
            )
            seen.add(key)

    def _flush(self) -> None:
        for name, rows in self._rows.items():
            if rows:
                columns = dict(zip(_TABLES[name], zip(*rows, strict=True), strict=True))
                block = self._arrow.table({key: list(values) for key, values in columns.items()})
                self._database.register("block", block)
                self._execute(f"INSERT INTO {name} SELECT * FROM block")
                self._database.unregister("block")
                rows.clear()

    def _one(self, query: str) -> tuple[int, int]:
        first, second = self._execute(query).fetchone()
        return int(first), int(second)

    def _stream(self, query: str) -> Iterator[tuple[Any, ...]]:
        with self._failures_told():
            cursor = self._database.cursor().execute(query)
        while rows := self._fetched(cursor):
            yield from rows

    def _fetched(self, cursor: Any) -> list[tuple[Any, ...]]:
        with self._failures_told():
            rows: list[tuple[Any, ...]] = cursor.fetchmany(_FETCHED)
        return rows

    def _execute(self, query: str) -> Any:
        with self._failures_told():
            return self._database.execute(query)

    def _opened(self, folder: Path) -> Any:
        if not _SIZE.fullmatch(self._memory):
            raise UsageError(f"expected memory as 500MB or 2GB, got {self._memory!r}")
        chosen = {
            "threads": 1,
            "memory_limit": self._memory,
            "temp_directory": str(folder / "spilled"),
        }
        with self._failures_told():
            return self._duckdb.connect(str(folder / "graph.duckdb"), config=chosen)

    @contextmanager
    def _failures_told(self) -> Iterator[None]:
        """Want of memory becomes a UsageError, a disk that fails an OSError."""
        try:
            yield
        except self._duckdb.OutOfMemoryException as error:
            raise UsageError(
                f"{self._memory} of memory do not do for this graph: {_first_line(error)}"
            ) from error
        except self._duckdb.IOException as error:
            raise OSError(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _split(joined: str) -> tuple[str, ...]:
    return tuple(joined.split("|")) if joined else ()


def _sentence(
    text: str, sentences: Iterable[tuple[int, int]], offsets: tuple[int, int, int, int]
) -> str:
    """The sentence with both mentions, or the sentences from the first of them to the last."""
    start, end = min(offsets), max(offsets)
    touched = [span for span in sentences if span[0] < end and span[1] > start]
    return " ".join(text[touched[0][0] : touched[-1][1]].split()) if touched else ""


def _engine() -> tuple[Any, Any]:
    try:
        return importlib.import_module("duckdb"), importlib.import_module("pyarrow")
    except ImportError as error:
        raise UsageError("keci-graph needs DuckDB: pip install 'keci[graph]'") from error
