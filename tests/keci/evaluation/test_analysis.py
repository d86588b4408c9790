from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.documents import ConceptLink, Document, Extraction, Mention, Relation
from keci.errors import DataError, UsageError
from keci.evaluation.analysis import (
    at_mentions_of,
    attention_by_type,
    kept_span_scores,
    refine,
    refined_scores,
)
from keci.schema import RelationType, TaskSchema

TEXT = "rash after abc with pain"
SCHEMA = TaskSchema(
    "tiny", ("effect", "drug"), (RelationType("caused-by"), RelationType("with", symmetric=True))
)
SPANS = {"rash": (0, 4), "abc": (11, 14), "pain": (20, 24)}


def concept(name: str, weight: float, *types: str) -> ConceptLink:
    return ConceptLink(f"X:{name}", name, types, weight)


def mention(word: str, label: str, *concepts: ConceptLink, score: float = 0.9) -> Mention:
    start, end = SPANS[word]
    context = 1 - sum(item.weight for item in concepts)
    return Mention(word, start, end, word, label, score, concepts, context)


def graph(*mentions: Mention, relations: tuple[tuple[str, str, str], ...] = ()) -> Extraction:
    links = (Relation(f"R{n}", *relation, 0.7) for n, relation in enumerate(relations))
    return Extraction("d", TEXT, mentions, tuple(links))


def test_attention_is_the_mean_over_the_concepts_of_a_type() -> None:
    first = mention("rash", "effect", concept("a", 0.5, "T1"), concept("b", 0.1, "T1", "T2"))
    second = mention("abc", "drug", concept("c", 0.8, "T2"))
    found = attention_by_type([graph(first, mention("pain", "effect")), graph(second)])
    assert [(row.code, row.concepts) for row in found.types] == [("T2", 2), ("T1", 2)]
    assert [row.weight for row in found.types] == pytest.approx([0.45, 0.3])
    assert found.context_weight == pytest.approx((0.4 + 0.2) / 2)
    assert (found.linked, found.unlinked) == (2, 1)


def test_rare_types_can_be_left_out() -> None:
    first = mention("rash", "effect", concept("a", 0.5, "T1"), concept("b", 0.1, "T1", "T2"))
    found = attention_by_type([graph(first)], 2)
    assert [row.code for row in found.types] == ["T1"]
    assert found.to_record()["types"] == [{"code": "T1", "weight": 0.3, "concepts": 2}]


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=2), st.integers(1, 5))
def test_attention_and_context_share_one(weights: list[float], repeats: int) -> None:
    links = [concept(str(place), weight, f"T{place}") for place, weight in enumerate(weights)]
    found = attention_by_type([graph(mention("abc", "drug", *links))] * repeats)
    total = sum(row.weight for row in found.types) + found.context_weight
    assert total == pytest.approx(1)


@pytest.mark.parametrize("extractions", [[], [graph()], [graph(mention("abc", "drug"))]])
def test_no_attention_at_all_is_told(extractions: list[Extraction]) -> None:
    with pytest.raises(DataError, match="candidate concepts"):
        attention_by_type(extractions)


OUTPUTS = {
    "kept_spans": np.array([0, 2]),
    "entity_logits": np.array([[5.0, 0, 1], [0, 0, 0], [5, 1, 0]]),
    "relation_logits": np.array([[0.0, 9, 0]]),
    "pair_heads": np.array([0]),
    "pair_tails": np.array([1]),
}


def test_every_kept_span_can_be_a_mention() -> None:
    scores = kept_span_scores(OUTPUTS)
    assert scores.entities.argmax(1).tolist() == [2, 1]
    assert scores.relations.argmax(1).tolist() == [0]


def test_only_mentions_at_annotated_spans_are_looked_at() -> None:
    kept = graph(mention("rash", "drug"), mention("pain", "effect"))
    chosen = at_mentions_of(graph(mention("rash", "effect"), mention("abc", "drug")), kept)
    assert [item.id for item in chosen.mentions] == ["rash"]
    assert chosen.document == Document("d", TEXT)


def test_a_model_without_final_span_graph_has_no_refinement() -> None:
    with pytest.raises(UsageError, match="one span graph alone"):
        refined_scores(OUTPUTS)


RASH, ABC, PAIN = mention("rash", "effect"), mention("abc", "drug"), mention("pain", "effect")


def test_mentions_are_added_dropped_and_retyped() -> None:
    linked = mention("abc", "drug", concept("a", 0.1, "T1"), concept("b", 0.6, "T2"))
    initial = graph(RASH, mention("abc", "effect", score=0.4))
    found = refine(initial, graph(linked, PAIN), graph(PAIN, ABC), SCHEMA)
    assert [(item.spans[0].id, item.kind, item.verdict) for item in found.mentions] == [
        ("rash", "dropped", "better"),
        ("abc", "re-typed", "better"),
        ("pain", "added", "better"),
    ]
    retyped = found.mentions[1].to_record()
    assert retyped["before"] == {"type": "effect", "score": 0.4}
    assert retyped["after"] == {"type": "drug", "score": 0.9}
    assert retyped["concept"]["id"] == "X:b"
    assert (retyped["start"], retyped["end"], retyped["text"]) == (11, 14, "abc")


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [("effect", "drug", "worse"), ("drug", "effect", "better"), ("drug", "other", "neither")],
)
def test_a_change_is_judged_by_the_annotation(before: str, after: str, verdict: str) -> None:
    initial, final = graph(mention("rash", before)), graph(mention("rash", after))
    (change,) = refine(initial, final, graph(RASH), SCHEMA).mentions
    assert change.verdict == verdict


def test_relations_change_too_and_show_the_weightiest_concept_of_their_ends() -> None:
    linked = mention("abc", "drug", concept("a", 0.3, "T1"))
    initial = graph(RASH, linked, PAIN, relations=(("rash", "pain", "with"),))
    final = graph(RASH, linked, PAIN, relations=(("rash", "abc", "caused-by"),))
    gold = graph(RASH, ABC, PAIN, relations=(("pain", "rash", "with"),))
    found = refine(initial, final, gold, SCHEMA)
    assert not found.mentions
    added, dropped = found.relations
    assert (added.kind, added.verdict, dropped.kind, dropped.verdict) == (
        "added", "worse", "dropped", "worse",
    )  # fmt: skip
    record = found.to_record()["relations"][0]
    assert (record["head"]["text"], record["tail"]["text"]) == ("rash", "abc")
    assert record["concept"]["id"] == "X:a"


def test_the_direction_of_a_symmetric_relation_does_not_count() -> None:
    one = graph(RASH, PAIN, relations=(("rash", "pain", "with"),))
    other = graph(RASH, PAIN, relations=(("pain", "rash", "with"),))
    assert not refine(one, other, one, SCHEMA).relations
    there = graph(RASH, PAIN, relations=(("rash", "pain", "caused-by"),))
    back = graph(RASH, PAIN, relations=(("pain", "rash", "caused-by"),))
    kinds = [item.kind for item in refine(there, back, one, SCHEMA).relations]
    assert kinds == ["dropped", "added"]


def test_a_graph_that_stayed_the_same_has_no_changes() -> None:
    same = graph(RASH, ABC, relations=(("rash", "abc", "caused-by"),))
    surer = replace(same, mentions=(replace(RASH, score=0.99), ABC))
    found = refine(same, surer, graph(), SCHEMA)
    assert (found.mentions, found.relations) == ((), ())
