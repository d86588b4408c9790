import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keci.knowledge.base.records import ConceptRecord, RelationRecord
from keci.knowledge.base.store import KnowledgeBase, knowledge_base_in_memory
from keci.knowledge.graph import BackgroundGraph, build_background, graph_relation_names
from keci.knowledge.linking.linker import ConceptMention, Linker

TEXTS = ["The cat and a mammal", "", "TNF causes necrosis; CAT", "nothing here", "CAT CAT"]


def plain_edges(kb: KnowledgeBase, concepts: set[int]) -> set[tuple[str, str, str]]:
    """All edges of one document by the definition, as (head, relation, tail) of names."""
    edges = set()
    types = {index: kb.concept(index).types for index in concepts}
    for index, codes in types.items():
        edges |= {(f"c{index}", "has_type", code) for code in codes}
        for tail, kind in zip(*kb.neighbours(index), strict=True):
            if int(tail) in concepts:
                edges.add((f"c{index}", kb.relation_names[kind], f"c{tail}"))
    present = {code for codes in types.values() for code in codes}
    for head, tail, kind in zip(*kb.type_relations(), strict=True):
        ends = kb.type_codes[head], kb.type_codes[tail]
        if set(ends) <= present and head != tail:
            edges.add((ends[0], kb.relation_names[kind], ends[1]))
    return edges | {(tail, f"inverse_{relation}", head) for head, relation, tail in edges}


def named_edges(graph: BackgroundGraph, kb: KnowledgeBase, document: int) -> set[tuple[str, ...]]:
    names = graph_relation_names(kb)

    def node_name(node: int) -> str:
        concept = graph.node_concepts[node]
        types = graph.node_types[slice(*graph.node_types_splits[node : node + 2])]
        return f"c{concept}" if concept >= 0 else kb.type_codes[types[0]]

    first, last = graph.node_splits[document : document + 2]
    return {
        (node_name(head), names[relation], node_name(tail))
        for head, tail, relation in zip(
            graph.edge_heads, graph.edge_tails, graph.edge_relations, strict=True
        )
        if first <= head < last
    }


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.lists(st.integers(0, 11), min_size=1, unique=True)), max_size=4))
def test_the_graph_is_what_its_definition_says(
    small_kb: KnowledgeBase, documents: list[list[list[int]]]
) -> None:
    linked = [
        [
            ConceptMention(place, place + 1, tuple(concepts))
            for place, concepts in enumerate(mentions)
        ]
        for mentions in documents
    ]
    graph = build_background(linked, small_kb)
    assert len(graph.node_splits) == len(documents) + 1
    for document, mentions in enumerate(documents):
        concepts = set(itertools.chain.from_iterable(mentions))
        nodes = graph.node_concepts[slice(*graph.node_splits[document : document + 2])]
        assert nodes[nodes >= 0].tolist() == sorted(concepts)
        assert (np.diff((nodes < 0).astype(int)) >= 0).all()
        assert named_edges(graph, small_kb, document) == plain_edges(small_kb, concepts)
    order = list(zip(graph.edge_relations, graph.edge_heads, graph.edge_tails, strict=True))
    assert order == sorted(set(order))
    flat = [concept for document in documents for mention in document for concept in mention]
    assert graph.node_concepts[graph.candidate_nodes].tolist() == flat


def test_candidates_belong_to_their_mentions(small_kb: KnowledgeBase) -> None:
    linker = Linker(small_kb)
    linked = [linker.link(text) for text in TEXTS]
    graph = build_background(linked, small_kb)
    expected = [
        (document, mention.start, mention.end)
        for document, mentions in enumerate(linked)
        for mention in mentions
    ]
    columns = (graph.mention_documents, graph.mention_starts, graph.mention_ends)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == expected
    owners = graph.mention_documents[graph.candidate_mentions]
    node_documents = np.searchsorted(graph.node_splits, graph.candidate_nodes, side="right") - 1
    assert owners.tolist() == node_documents.tolist()


def test_a_batch_is_the_union_of_its_documents(small_kb: KnowledgeBase) -> None:
    linker = Linker(small_kb)
    linked = [linker.link(text) for text in TEXTS]
    batch = build_background(linked, small_kb)
    for document, mentions in enumerate(linked):
        alone = build_background([mentions], small_kb)
        assert named_edges(batch, small_kb, document) == named_edges(alone, small_kb, 0)


def test_an_empty_batch_has_an_empty_graph(small_kb: KnowledgeBase) -> None:
    graph = build_background([], small_kb)
    assert graph.node_splits.tolist() == [0]
    assert graph.edge_heads.shape == graph.candidate_nodes.shape == (0,)


def test_a_shared_neighbour_outside_the_text_joins_two_concepts() -> None:
    kb = knowledge_base_in_memory(
        [ConceptRecord(f"X:{number}", f"thing {number}", ("T167",)) for number in range(5)],
        [RelationRecord(f"X:{number}", "X:4", "isa") for number in range(3)]
        + [RelationRecord("X:0", "X:3", "part_of"), RelationRecord("X:1", "X:3", "part_of")],
    )
    linked = [[ConceptMention(0, 1, (0, 1))], [ConceptMention(0, 1, (2, 0, 3))]]
    graph = build_background(linked, kb, shared_neighbours=True)
    names = graph_relation_names(kb, shared_neighbours=True)
    shared = [
        (int(graph.node_concepts[head]), int(graph.node_concepts[tail]))
        for head, tail, relation in zip(
            graph.edge_heads, graph.edge_tails, graph.edge_relations, strict=True
        )
        if names[relation] == "shared_neighbour"
    ]
    assert shared == [(0, 1), (0, 2)]
    plain = build_background(linked, kb)
    assert len(graph.edge_heads) == len(plain.edge_heads) + 2 * len(shared)
    assert len(graph_relation_names(kb)) == len(names) - 2


def test_hubs_do_not_join_and_many_neighbours_are_capped() -> None:
    concepts = [ConceptRecord(f"X:{n}", f"thing {n}", ("T167",)) for n in range(300)]
    few = [RelationRecord(f"X:{n}", "X:299", "isa") for n in range(20)]
    many = [RelationRecord(f"X:{n}", "X:298", "isa") for n in range(250)]

    def count(relations: list[RelationRecord], present: int) -> int:
        kb = knowledge_base_in_memory(concepts, relations)
        linked = [[ConceptMention(0, 1, tuple(range(present)))]]
        plain = len(build_background(linked, kb).edge_heads)
        return len(build_background(linked, kb, shared_neighbours=True).edge_heads) - plain

    assert count(few, 5) == 2 * 10
    assert count(few, 20) == 2 * 28
    assert count(many, 5) == 0
    assert count([], 5) == 0


def test_relation_names_come_in_pairs(small_kb: KnowledgeBase) -> None:
    names = graph_relation_names(small_kb)
    assert names[:2] == ("has_type", "inverse_has_type")
    assert len(names) == 2 * (1 + len(small_kb.relation_names))
    assert len(set(names)) == len(names)
