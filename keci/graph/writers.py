"""A graph as files: KGX TSV, CSV for Neo4j's import, Parquet, GraphML.

| format | files |
|---|---|
| kgx | nodes.tsv, edges.tsv, evidence.tsv |
| neo4j | neo4j/nodes.csv, neo4j/relationships.csv, neo4j/evidence.csv |
| parquet | nodes.parquet, edges.parquet, evidence.parquet |
| graphml | graph.graphml |

Each is written row by row.
"""

import csv
import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from keci.graph.counting import CorpusGraph
from keci.graph.rows import (
    EDGE_COLUMNS,
    EVIDENCE_COLUMNS,
    NODE_COLUMNS,
    Row,
    edge_rows,
    evidence_rows,
    node_rows,
)
from keci.printable import xml_text

_BREAKS = re.compile(r"[\t\r\n]+")
_ROWS_AT_ONCE = 50_000
_LISTS = ("category", "xref", "semantic_types", "publications")
_NEO4J_TYPES = {
    "mention_count": ":long", "document_count": ":long", "evidence_count": ":long",
    "score": ":double", "negated": ":boolean", "subject_start": ":long", "subject_end": ":long",
    "object_start": ":long", "object_end": ":long",
} | dict.fromkeys(_LISTS, ":string[]")  # fmt: skip
_GRAPHML_TYPES = {
    "mention_count": "long", "document_count": "long", "evidence_count": "long", "score": "double",
    "negated": "boolean",
}  # fmt: skip
_GRAPHML = "http://graphml.graphdrawing.org/xmlns"


def write_kgx(graph: CorpusGraph, folder: Path, publications: str | None) -> None:
    """TSV as KGX reads it: lists are joined by |, tabs and line ends become a space."""
    for name, columns, rows in _tables(graph, publications):
        with (folder / f"{name}.tsv").open("w", encoding="utf-8", newline="") as file:
            file.write("\t".join(columns) + "\n")
            for row in rows:
                file.write("\t".join(_cell(row[column]) for column in columns) + "\n")


def write_neo4j(graph: CorpusGraph, folder: Path, publications: str | None) -> None:
    """CSV with the headers of ``neo4j-admin database import``."""
    target = folder / "neo4j"
    target.mkdir()
    names = {
        "id:ID": "id", ":LABEL": "category", ":START_ID": "subject", ":END_ID": "object",
        ":TYPE": "predicate",
    }  # fmt: skip
    nodes = ["id:ID", ":LABEL", *NODE_COLUMNS[2:]]
    edges = [":START_ID", ":END_ID", ":TYPE", "id", *EDGE_COLUMNS[4:]]
    tables = (
        ("nodes", nodes, node_rows(graph)),
        ("relationships", edges, edge_rows(graph, publications)),
        ("evidence", list(EVIDENCE_COLUMNS), evidence_rows(graph)),
    )
    for name, columns, rows in tables:
        with (target / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(column + _NEO4J_TYPES.get(column, "") for column in columns)
            for row in rows:
                writer.writerow(_neo4j(row[names.get(column, column)]) for column in columns)


def write_parquet(graph: CorpusGraph, folder: Path, publications: str | None) -> None:
    arrow = importlib.import_module("pyarrow")
    parquet = importlib.import_module("pyarrow.parquet")
    kinds = {
        "long": arrow.int64(), "double": arrow.float64(), "boolean": arrow.bool_(),
    } | dict.fromkeys(_LISTS, arrow.list_(arrow.string()))  # fmt: skip
    for name, columns, rows in _tables(graph, publications):
        fields = [
            (column, kinds.get(column) or kinds.get(_kind(column)) or arrow.string())
            for column in columns
        ]
        schema = arrow.schema(fields)
        path = folder / f"{name}.parquet"
        with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
            while block := list(islice(rows, _ROWS_AT_ONCE)):
                writer.write_table(arrow.Table.from_pylist(block, schema=schema))


def write_graphml(graph: CorpusGraph, folder: Path, publications: str | None) -> None:
    """GraphML for Gephi, Cytoscape, yEd and networkx; lists are joined by |."""
    from lxml import etree

    node_columns, edge_columns = NODE_COLUMNS[1:], (*EDGE_COLUMNS[2:3], *EDGE_COLUMNS[4:])
    with etree.xmlfile(str(folder / "graph.graphml"), encoding="utf-8") as file:
        file.write_declaration()
        with file.element("graphml", nsmap={None: _GRAPHML}):
            for of, columns in (("node", node_columns), ("edge", edge_columns)):
                for column in columns:
                    attributes = {
                        "id": f"{of}_{column}", "for": of, "attr.name": column,
                        "attr.type": _GRAPHML_TYPES.get(column, "string"),
                    }  # fmt: skip
                    file.write(etree.Element("key", attributes))
            with file.element("graph", edgedefault="directed"):
                for row in node_rows(graph):
                    attributes = {"id": xml_text(row["id"])}
                    file.write(_element("node", attributes, node_columns, row))
                for row in edge_rows(graph, publications):
                    attributes = {
                        "id": row["id"], "source": xml_text(row["subject"]),
                        "target": xml_text(row["object"]),
                    }  # fmt: skip
                    file.write(_element("edge", attributes, edge_columns, row))


WRITERS: dict[str, Callable[[CorpusGraph, Path, str | None], None]] = {
    "kgx": write_kgx,
    "neo4j": write_neo4j,
    "parquet": write_parquet,
    "graphml": write_graphml,
}


def _tables(
    graph: CorpusGraph, publications: str | None
) -> tuple[tuple[str, Sequence[str], Iterator[Row]], ...]:
    return (
        ("nodes", NODE_COLUMNS, node_rows(graph)),
        ("edges", EDGE_COLUMNS, edge_rows(graph, publications)),
        ("evidence", EVIDENCE_COLUMNS, evidence_rows(graph)),
    )


def _kind(column: str) -> str:
    if column.endswith(("_start", "_end")):
        return "long"
    return _GRAPHML_TYPES.get(column, "string")


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "|".join(_BREAKS.sub(" ", item).replace("|", "/") for item in value)
    return "" if value is None else _BREAKS.sub(" ", str(value))


def _neo4j(value: Any) -> str:
    if isinstance(value, list):
        return ";".join(item.replace(";", ",") for item in value)
    return _cell(value)


def _element(tag: str, attributes: dict[str, str], columns: Iterable[str], row: Row) -> Any:
    from lxml import etree

    element = etree.Element(tag, attributes)
    for column in columns:
        if row[column] not in (None, [], ""):
            etree.SubElement(element, "data", key=f"{tag}_{column}").text = xml_text(
                _cell(row[column])
            )
    return element
