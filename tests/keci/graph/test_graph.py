"""The graph of a corpus: counted, summed up and written."""

import csv
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keci.documents import ConceptLink, Extraction, Mention, Relation
from keci.errors import ConfigError
from keci.graph.mapping import BiolinkMapping, load_mapping
from keci.graph.nodes import node_of
from keci.graph.rows import evidence_rows
from tests.strategies import extractions

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")

from keci.graph.counting import CorpusGraph, Totals
from keci.graph.writers import WRITERS

RASH = ConceptLink("MESH:D005076", "Exanthema", ("T033",), 0.8, ("HP:0000988",))
DRUG = ConceptLink("UNIPROT:P1/2", "abcillin", ("T121",), 0.6)


def document(
    name: str, *, score: float = 0.5, assertion: Any = "present", turned: bool = False
) -> Extraction:
    """A rash that a drug caused, told in the second of three sentences."""
    text = "Nothing was known. A rash came\tafter Abcillin. It went."
    mentions = (
        Mention("T1", 21, 25, "rash", "Adverse-Effect", 0.9, (RASH,), 0.2),
        Mention("T2", 37, 45, "Abcillin", "Drug", 0.9, (DRUG,), 0.4),
        Mention("T3", 47, 49, "It", "Drug", 0.3),
    )
    ends = ("T2", "T1") if turned else ("T1", "T2")
    relation = Relation("R1", *ends, "bind" if turned else "Adverse-Effect", score, assertion)
    return Extraction(name, text, mentions, (relation,))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def graph_of(
    folder: Path, documents: Sequence[Extraction], **options: Any
) -> tuple[CorpusGraph, Totals]:
    graph = CorpusGraph(folder, load_mapping(), **options)
    for item in documents:
        graph.add(item)
    return graph, graph.finish()


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def test_a_mention_counts_for_its_best_concept_or_its_text() -> None:
    weak = Mention("T1", 0, 4, "Rash", "e", concepts=(RASH,), context_weight=0.2)
    assert node_of(weak).id == "MESH:D005076"
    assert node_of(weak, 0.9).id == "KECI:e=rash"
    nameless = replace(weak, concepts=(replace(weak.concepts[0], name=""),))
    assert node_of(nameless).name == weak.text.casefold()
    assert (
        node_of(Mention("T1", 0, 9, "a/b : Ä\n c", "e=f")).id
        == "KECI:e%3Df=a%2Fb%20%3A%20%C3%A4%20c"
    )


def test_scores_are_combined_and_documents_counted(folder: Path) -> None:
    graph, totals = graph_of(folder, [document("a"), document("b", score=0.8), document("c")])
    assert totals == Totals(documents=3, mentions=9, relations=3, nodes=3, edges=1)
    (edge,) = graph.edges()
    assert (edge.mentions, edge.documents) == (3, 3)
    assert edge.score == pytest.approx(1 - 0.5 * 0.2 * 0.5)
    assert edge.head == "MESH:D005076"


def test_what_is_denied_or_supposed_is_an_edge_of_its_own(folder: Path) -> None:
    told = [document(name, assertion=name) for name in ("present", "negated", "speculated")]
    graph, _ = graph_of(folder, told)
    assert [edge.assertion for edge in graph.edges()] == ["negated", "present", "speculated"]
    WRITERS["kgx"](graph, folder, None)
    assert [row["negated"] for row in rows_of(folder / "edges.tsv")] == ["true", "false", "false"]


def test_a_relation_without_direction_is_one_edge_whichever_way_it_is_told(folder: Path) -> None:
    straight = document("a", turned=True)
    (relation,) = straight.relations
    other = Extraction(
        "b", straight.text, straight.mentions,
        (Relation("R1", relation.tail, relation.head, "bind", 0.5),),
    )  # fmt: skip
    graph, totals = graph_of(folder, [straight, other])
    assert totals.edges == 1
    spans = {(row["subject_start"], row["object_start"]) for row in evidence_rows(graph)}
    assert len(spans) == 1


def test_publications_name_documents_whose_ids_hold_separators(folder: Path) -> None:
    graph, _ = graph_of(folder, [document("10.1/(SICI)a<1::2>b;2-2"), document("a|b c\n")])
    WRITERS["kgx"](graph, folder, "DOI")
    (edge,) = rows_of(folder / "edges.tsv")
    assert edge["publications"].split("|") == ["DOI:10.1/(SICI)a<1::2>b%3B2-2", "DOI:a%7Cb%20c%0A"]


def test_kgx_has_biolink_names_and_ids(folder: Path) -> None:
    graph, _ = graph_of(folder, [document("12")])
    WRITERS["kgx"](graph, folder, "PMID")
    nodes = {row["id"]: row for row in rows_of(folder / "nodes.tsv")}
    assert nodes["MESH:D005076"]["category"] == "biolink:PhenotypicFeature"
    assert nodes["MESH:D005076"]["xref"] == "HP:0000988"
    assert nodes["UniProtKB:P1%2F2"]["category"] == "biolink:Drug"
    (edge,) = rows_of(folder / "edges.tsv")
    assert (edge["subject"], edge["object"]) == ("UniProtKB:P1%2F2", "MESH:D005076")
    assert edge["predicate"] == "biolink:has_adverse_event"
    assert edge["publications"] == "PMID:12"
    (evidence,) = rows_of(folder / "evidence.tsv")
    assert evidence["sentence"] == "A rash came after Abcillin."
    assert (evidence["subject_start"], evidence["subject_end"]) == ("37", "45")
    assert evidence["edge"] == edge["id"]


def test_vocabularies_have_the_names_that_biolink_gives_them() -> None:
    curie = load_mapping().curie
    assert curie("UNIPROT:P04637") == "UniProtKB:P04637"
    assert curie("CVCL:0030") == "CELLOSAURUS:CVCL_0030"
    assert curie("MESH:D005076") == "MESH:D005076"


def test_linked_only_leaves_text_out(folder: Path) -> None:
    graph, totals = graph_of(folder, [document("a")], linked_only=True)
    assert (totals.mentions, totals.nodes, totals.edges) == (2, 2, 1)
    assert not [node for node in graph.nodes() if node.id.startswith("KECI:")]


def test_neo4j_headers_and_lists(folder: Path) -> None:
    graph, _ = graph_of(folder, [document("a")])
    WRITERS["neo4j"](graph, folder, "PMID")
    with (folder / "neo4j" / "nodes.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header[:2] == ["id:ID", ":LABEL"]
    assert "mention_count:long" in header
    assert len(rows) == 3
    with (folder / "neo4j" / "relationships.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row[":TYPE"] == "biolink:has_adverse_event"


def test_parquet_keeps_types(folder: Path) -> None:
    import pyarrow.parquet as parquet

    graph, _ = graph_of(folder, [document("a")])
    WRITERS["parquet"](graph, folder, None)
    (edge,) = parquet.read_table(folder / "edges.parquet").to_pylist()
    assert edge["negated"] is False
    assert edge["evidence_count"] == 1
    (evidence,) = parquet.read_table(folder / "evidence.parquet").to_pylist()
    assert evidence["object_start"] == 21


def test_graphml_is_read_by_networkx_and_holds_no_sign_that_xml_forbids(folder: Path) -> None:
    import networkx as nx

    odd = Extraction("x", "\x00\x0bé", (Mention("T1", 0, 3, "\x00\x0bé", "Drug"),), ())
    graph, totals = graph_of(folder, [document("a"), odd])
    WRITERS["graphml"](graph, folder, None)
    read = nx.read_graphml(folder / "graph.graphml")
    assert (read.number_of_nodes(), read.number_of_edges()) == (totals.nodes, totals.edges)
    assert ElementTree.parse(folder / "graph.graphml").getroot().tag.endswith("graphml")


@settings(max_examples=25, deadline=None)
@given(documents=st.lists(extractions(), max_size=6))
def test_counts_add_up_whatever_the_documents(
    tmp_path_factory: pytest.TempPathFactory, documents: list[Extraction]
) -> None:
    folder = tmp_path_factory.mktemp("graph")
    graph, totals = graph_of(folder, documents)
    assert totals.documents == len(documents)
    assert totals.mentions == sum(len(item.mentions) for item in documents)
    assert totals.relations == sum(len(item.relations) for item in documents)
    assert sum(node.mentions for node in graph.nodes()) == totals.mentions
    assert sum(1 for _ in graph.evidence()) == totals.relations
    ids = {node.id for node in graph.nodes()}
    for edge in graph.edges():
        assert {edge.head, edge.tail} <= ids
        assert 0 <= edge.score <= 1
        assert 1 <= edge.documents <= min(edge.mentions, len(documents))
    for name in WRITERS:
        (folder / name).mkdir()
        WRITERS[name](graph, folder / name, "PMID")
    assert len(rows_of(folder / "kgx" / "evidence.tsv")) == totals.relations
    graph.close()


def test_equal_corpora_give_equal_files(tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        documents = [document(str(n), score=n / 40) for n in range(40)]
        graph, _ = graph_of(tmp_path / name, documents)
        WRITERS["kgx"](graph, tmp_path / name, None)
        written.append([path.read_bytes() for path in sorted((tmp_path / name).glob("*.tsv"))])
    assert written[0] == written[1]


def test_the_strongest_come_first(folder: Path) -> None:
    often = [document(str(n), score=0.1) for n in range(3)]
    once = document("x", score=0.99, assertion="negated")
    graph, _ = graph_of(folder, [once, *often])
    strongest = graph.strongest(5)
    assert [edge.documents for edge, _, _ in strongest] == [3, 1]
    assert strongest[0][1:] == ("Exanthema", "abcillin")


def shipped_types() -> Iterator[tuple[str, str]]:
    from keci.schema import BUILT_IN_SCHEMAS

    for schema in BUILT_IN_SCHEMAS.values():
        yield from (("entity", name) for name in schema.entity_types)
        yield from (("relation", item.name) for item in schema.relation_types)


@pytest.mark.parametrize(("kind", "name"), sorted(set(shipped_types())))
def test_every_type_of_a_built_in_task_is_mapped(kind: str, name: str) -> None:
    mapping = load_mapping()
    known = mapping.categories if kind == "entity" else mapping.predicates
    unmapped = {"parameter"}
    assert name in known or name in unmapped


def test_a_mapping_of_ones_own_overrides(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(
        '[categories]\nDrug = "biolink:ChemicalEntity"\n[predicates.treats]\n'
        'predicate = "biolink:treats"\n'
    )
    mapping = load_mapping([path])
    assert mapping.category("Drug") == "biolink:ChemicalEntity"
    assert mapping.predicate("treats").name == "biolink:treats"
    assert mapping.predicate("bind").symmetric
    assert mapping.category("unheard-of") == "biolink:NamedThing"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a = ", "is not TOML"),
        ("[other]\n", "expected"),
        ("[categories]\nx = 1\n", "must be a string"),
        ("[predicates]\nx = 1\n", "a predicate has the keys"),
        ('[predicates.x]\npredicate = "p"\ninverted = "yes"\n', "true or false"),
    ],
)
def test_a_mapping_that_is_none_is_refused(content: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        BiolinkMapping().with_file(content, "own.toml")


def test_a_concept_counts_for_all_attention_whatever_a_format_kept_of_it() -> None:
    other = replace(RASH, id="MESH:D1", weight=0.0)
    weak = Mention("T1", 0, 4, "Rash", "e", concepts=(other,), context_weight=0.8)
    assert node_of(weak).id == "MESH:D1"
    assert node_of(weak, 0.3).id == "KECI:e=rash"
    assert node_of(replace(weak, context_weight=None)).id == "KECI:e=rash"
