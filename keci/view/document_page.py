"""The page of extractions, and the one that compares predictions with gold data."""

from collections.abc import Iterable, Sequence
from typing import Any

from keci.documents import Extraction
from keci.printable import numbered
from keci.view.comparison import STATUSES, compare
from keci.view.corpus_graph import draw_corpus
from keci.view.page import SCRIPTS, render
from keci.view.page_data import Define, PageData, gather, undirected_types

_TEMPLATE = "documents.html"
_TABS = (
    ("documents", "Documents"),
    ("entities", "Entities"),
    ("concepts", "Concepts"),
    ("triples", "Triples"),
)


def extraction_page(
    extractions: Sequence[Extraction],
    *,
    title: str,
    total: int | None = None,
    define: Define | None = None,
    embedded: bool = False,
) -> str:
    """The page of these documents, which are the first of ``total``.

    ``embedded`` leaves filters, tables and graph out, for the cell of a notebook.
    """
    data = gather(extractions, define=define)
    graph = None if embedded else draw_corpus(extractions, colours=data.colours)
    return _rendered(
        data, title=title, total=total, tabs=(*_TABS, ("graph", "Graph")), graph=graph,
        embedded=embedded,
    )  # fmt: skip


def comparison_page(
    gold: Sequence[Extraction],
    predicted: Iterable[Extraction],
    *,
    title: str,
    define: Define | None = None,
) -> str:
    """The page that marks what predictions miss, add and mistype; raises DataError as compare."""
    relation_types = {relation.type for item in gold for relation in item.relations}
    undirected = undirected_types(relation_types)
    data, comparison = compare(gold, predicted, undirected=undirected, define=define)
    tables = {
        "entities": comparison.entities.table(),
        "relations": comparison.relations.table(),
    }
    tabs = (("documents", "Documents"), ("differences", "Differences"), *_TABS[1:])
    return _rendered(data, title=title, tabs=tabs, comparison=tables)


def _rendered(
    data: PageData,
    *,
    title: str,
    tabs: Sequence[tuple[str, str]],
    total: int | None = None,
    graph: dict[str, Any] | None = None,
    comparison: dict[str, Any] | None = None,
    embedded: bool = False,
) -> str:
    record = data.to_record()
    if comparison:
        record["statuses"] = [status for status in STATUSES if status in record["statuses"]]
    return render(
        _TEMPLATE,
        scripts=SCRIPTS,
        title=title,
        summary=_summary(data, total),
        tabs=[{"id": tab, "name": name} for tab, name in tabs],
        data=record,
        graph=graph,
        comparison=comparison,
        embedded=embedded,
    )


def _summary(data: PageData, total: int | None) -> str:
    documents, mentions, relations = data.counts
    shown = numbered(documents, "document")
    if total is not None and total > documents:
        shown = f"the first {documents:,} of {total:,} documents"
    found = numbered(mentions, "entity", "entities"), numbered(relations, "relation")
    return ", ".join((shown, *found))
