from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt
import pytest

from keci.batch import Batch
from keci.config import ModelConfig
from keci.decoding import SpanGraphScores, decode, final_scores, initial_scores
from keci.documents import Extraction
from keci.errors import BundleError
from keci.knowledge.linking.linker import Linker
from keci.schema import RelationType, TaskSchema
from tests.tiny import (
    CONFIG,
    SCHEMA,
    documents,
    knowledge_config,
    tiny_builder,
    tiny_knowledge_base,
)

NONE, EFFECT, DRUG = 0, 1, 2
CAUSED_BY, WITH = 1, 2
BASE = tiny_knowledge_base()


@dataclass(frozen=True, slots=True)
class Case:
    """A batch with all its spans kept, and score tables that start as "none" everywhere."""

    batch: Batch
    outputs: dict[str, npt.NDArray[np.generic]]
    entities: npt.NDArray[np.float32]
    relations: npt.NDArray[np.float32]

    def span(self, surface: str, row: int = 0) -> int:
        """Place of the first span with this text among the kept spans."""
        spans, text = self.batch.texts[row].spans, self.batch.texts[row].document.text
        ends = zip(spans.starts.tolist(), spans.ends.tolist(), strict=True)
        surfaces = [text[start:end] for start, end in ends]
        return int(self.outputs["span_splits"][row]) + surfaces.index(surface)

    def set_entity(self, surface: str, label: int, score: float = 0.9, row: int = 0) -> None:
        place = self.span(surface, row)
        self.entities[place] = (1 - score) / (self.entities.shape[1] - 1)
        self.entities[place, label] = score

    def set_relation(self, head: str, tail: str, scores: tuple[float, ...], row: int = 0) -> None:
        heads, tails = self.outputs["pair_heads"], self.outputs["pair_tails"]
        chosen = (heads == self.span(head, row)) & (tails == self.span(tail, row))
        self.relations[chosen] = scores

    def decode(self, schema: TaskSchema = SCHEMA) -> list[Extraction]:
        scores = SpanGraphScores(self.entities, self.relations)
        return decode(self.batch, self.outputs, scores, schema=schema, base=BASE)


def case(*texts: str, config: ModelConfig | None = None) -> Case:
    config = config or knowledge_config(CONFIG, BASE)
    builder = tiny_builder(config, BASE)
    batch = builder.build(builder.prepare(documents(*texts)))
    splits = batch.arrays["span_splits"]
    pairs = [
        pair
        for first, last in pairwise(splits)
        for head, tail in combinations(range(first, last), 2)
        for pair in ((head, tail), (tail, head))
    ]
    heads, tails = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    spans = int(splits[-1])
    outputs = {
        **batch.arrays,
        "kept_spans": np.arange(spans),
        "kept_splits": splits,
        "pair_heads": heads,
        "pair_tails": tails,
    }
    entities = np.tile(np.array([0.8, 0.1, 0.1], dtype=np.float32), (spans, 1))
    relations = np.tile(np.array([0.8, 0.1, 0.1], dtype=np.float32), (len(pairs), 1))
    return Case(batch, outputs, entities, relations)


def mentions_of(extraction: Extraction) -> list[tuple[str, str, str]]:
    return [(mention.id, mention.text, mention.type) for mention in extraction.mentions]


def relations_of(extraction: Extraction) -> list[tuple[str, str, str, str]]:
    return [(item.id, item.head, item.tail, item.type) for item in extraction.relations]


def test_spans_with_a_type_are_mentions_numbered_by_place() -> None:
    made = case("rash  with pain", "abc")
    made.set_entity("pain", EFFECT)
    made.set_entity("rash", EFFECT, 0.7)
    made.set_entity("rash  with", DRUG)
    made.set_entity("abc", DRUG, row=1)
    first, second = made.decode()
    assert mentions_of(first) == [
        ("T1", "rash", "effect"),
        ("T2", "rash  with", "drug"),
        ("T3", "pain", "effect"),
    ]
    assert [mention.score for mention in first.mentions] == pytest.approx([0.85, 0.95, 0.95])
    assert [mention.type_score for mention in first.mentions] == pytest.approx([0.7, 0.9, 0.9])
    assert mentions_of(second) == [("T1", "abc", "drug")]
    for extraction in (first, second):
        for mention in extraction.mentions:
            assert extraction.text[mention.start : mention.end] == mention.text


def test_of_two_mentions_that_may_not_overlap_the_better_one_stays() -> None:
    made = case("rash  with pain", "rash")
    made.set_entity("rash", EFFECT, 0.7)
    made.set_entity("rash  with", EFFECT)
    made.set_entity("rash  with pain", DRUG, 0.8)
    made.set_entity("rash", EFFECT, row=1)
    for overlaps, left in (
        (None, ["rash", "rash  with", "rash  with pain"]),
        ((), ["rash  with"]),
        ((("drug", "effect"),), ["rash  with", "rash  with pain"]),
        ((("effect", "effect"),), ["rash", "rash  with"]),
    ):
        first, second = made.decode(replace(SCHEMA, overlaps=overlaps))
        assert [mention.text for mention in first.mentions] == left
        assert [mention.id for mention in first.mentions] == [
            f"T{number}" for number in range(1, len(left) + 1)
        ]
        assert mentions_of(second) == [("T1", "rash", "effect")]


def test_a_double_takes_its_relations_along() -> None:
    made = case("rash  with pain")
    made.set_entity("rash", EFFECT, 0.7)
    made.set_entity("rash  with", EFFECT)
    made.set_entity("pain", DRUG)
    made.set_relation("rash", "pain", (0.1, 0.9, 0.0))
    made.set_relation("rash  with", "pain", (0.2, 0.8, 0.0))
    (extraction,) = made.decode(replace(SCHEMA, overlaps=()))
    assert relations_of(extraction) == [("R1", "T1", "T2", "caused-by")]
    assert extraction.relations[0].score == pytest.approx(0.8)


def test_ties_go_to_the_type_that_comes_first_and_half_is_no_mention() -> None:
    made = case("rash with pain")
    made.entities[made.span("rash")] = (0.5, 0.5, 0.0)
    made.entities[made.span("pain")] = (0.2, 0.4, 0.4)
    (extraction,) = made.decode()
    assert mentions_of(extraction) == [("T1", "pain", "effect")]


def test_types_that_share_the_probability_of_a_mention_outweigh_none_together() -> None:
    made = case("rash with pain")
    made.entities[made.span("rash")] = (0.4, 0.25, 0.35)
    made.entities[made.span("pain")] = (0.6, 0.1, 0.3)
    (extraction,) = made.decode()
    assert mentions_of(extraction) == [("T1", "rash", "drug")]


def test_a_directed_relation_keeps_its_direction() -> None:
    made = case("abc gave rash")
    made.set_entity("abc", DRUG)
    made.set_entity("rash", EFFECT)
    made.set_relation("rash", "abc", (0.1, 0.9, 0.0))
    (extraction,) = made.decode()
    assert relations_of(extraction) == [("R1", "T2", "T1", "caused-by")]
    assert extraction.relations[0].score == pytest.approx(0.9)


def test_types_at_the_ends_of_a_relation_are_checked() -> None:
    made = case("abc gave rash")
    made.set_entity("abc", DRUG)
    made.set_entity("rash", EFFECT)
    made.set_relation("abc", "rash", (0.1, 0.9, 0.0))
    (extraction,) = made.decode()
    assert relations_of(extraction) == []


def test_relations_need_mentions_at_both_ends() -> None:
    made = case("abc gave rash")
    made.set_entity("rash", EFFECT)
    made.set_relation("rash", "abc", (0.1, 0.9, 0.0))
    (extraction,) = made.decode()
    assert relations_of(extraction) == []


def test_relations_are_ordered_by_head_then_tail() -> None:
    made = case("pain rash abc")
    for surface, label in (("pain", EFFECT), ("rash", EFFECT), ("abc", DRUG)):
        made.set_entity(surface, label)
    made.set_relation("rash", "abc", (0.1, 0.9, 0.0))
    made.set_relation("pain", "abc", (0.1, 0.9, 0.0))
    for head, tail in (("pain", "rash"), ("rash", "pain")):
        made.set_relation(head, tail, (0.1, 0.0, 0.9))
    (extraction,) = made.decode()
    assert relations_of(extraction) == [
        ("R1", "T1", "T2", "with"),
        ("R2", "T1", "T3", "caused-by"),
        ("R3", "T2", "T3", "caused-by"),
    ]


SYMMETRIC = TaskSchema(
    "symmetric",
    ("effect", "drug"),
    (RelationType("bind", symmetric=True), RelationType("no-bind", symmetric=True)),
)


@pytest.mark.parametrize(
    ("there", "back", "expected"),
    [
        ((0.1, 0.9, 0.0), (0.5, 0.5, 0.0), ("bind", 0.7)),
        ((0.1, 0.9, 0.0), (0.8, 0.2, 0.0), ("bind", 0.55)),
        ((0.4, 0.6, 0.0), (0.9, 0.1, 0.0), None),
        ((0.1, 0.5, 0.4), (0.1, 0.2, 0.7), ("no-bind", 0.55)),
    ],
)
def test_a_symmetric_relation_is_reported_once_with_the_mean_of_both_directions(
    there: tuple[float, ...], back: tuple[float, ...], expected: tuple[str, float] | None
) -> None:
    for first, second in ((there, back), (back, there)):
        made = case("abc gave rash")
        made.set_entity("abc", DRUG)
        made.set_entity("rash", EFFECT)
        made.set_relation("abc", "rash", first)
        made.set_relation("rash", "abc", second)
        (extraction,) = made.decode(SYMMETRIC)
        found = [(item.head, item.tail, item.type, item.score) for item in extraction.relations]
        wanted = [("T1", "T2", expected[0], pytest.approx(expected[1]))] if expected else []
        assert found == wanted


@pytest.mark.parametrize(("metric", "count"), [("biored", 2), ("micro", 3)])
def test_a_name_is_not_related_to_itself_where_concepts_are_related(
    metric: str, count: int
) -> None:
    schema = TaskSchema(
        "named", ("effect", "drug"), (RelationType("near", symmetric=True),), metric
    )
    made = case("abc after drug ABC")
    for text in ("abc", "drug", "ABC"):
        made.set_entity(text, DRUG)
    made = Case(made.batch, made.outputs, made.entities, made.relations[:, :2].copy())
    made.relations[:] = (0.1, 0.9)
    (extraction,) = made.decode(schema)
    assert len(extraction.relations) == count


def test_a_symmetric_relation_between_given_types_holds_in_either_order() -> None:
    schema = TaskSchema(
        "typed",
        ("effect", "drug"),
        (RelationType("near", symmetric=True, head_types=("effect",), tail_types=("drug",)),),
    )
    made = case("abc gave rash")
    made.set_entity("abc", DRUG)
    made.set_entity("rash", EFFECT)
    made = Case(made.batch, made.outputs, made.entities, made.relations[:, :2].copy())
    made.relations[:] = (0.9, 0.1)
    for head, tail in (("abc", "rash"), ("rash", "abc")):
        made.set_relation(head, tail, (0.1, 0.9))
    (extraction,) = made.decode(schema)
    assert relations_of(extraction) == [("R1", "T1", "T2", "near")]


def test_mentions_carry_their_concepts_in_the_order_of_the_linker() -> None:
    made = case("rash after abc")
    made.set_entity("abc", DRUG)
    made.set_entity("after", EFFECT)
    spans = made.outputs["candidate_spans"]
    weights = np.zeros(len(spans), dtype=np.float32)
    weights[spans == made.span("abc")] = (0.2, 0.5)
    made.outputs["candidate_weights"] = weights
    made.outputs["context_weights"] = np.full(len(made.entities), 0.3, dtype=np.float32)
    (extraction,) = made.decode()
    after, abc = extraction.mentions
    assert (after.concepts, after.context_weight) == ((), pytest.approx(0.3))
    assert [link.weight for link in abc.concepts] == pytest.approx([0.2, 0.5])
    linked = {mention.start: mention.concepts for mention in Linker(BASE).link("rash after abc")}
    assert [BASE.find(link.id) for link in abc.concepts] == [*linked[abc.start]]


def test_context_weights_of_all_spans_are_read_at_the_kept_ones() -> None:
    made = case("rash after abc")
    made.set_entity("abc", DRUG)
    weights = np.linspace(0, 1, len(made.entities), dtype=np.float32)
    made.outputs["span_context_weights"] = weights
    (extraction,) = made.decode()
    (abc,) = extraction.mentions
    assert abc.context_weight == pytest.approx(weights[made.span("abc")], abs=1e-6)


def test_texts_without_spans_have_empty_extractions() -> None:
    made = case("", "rash", "")
    made.set_entity("rash", EFFECT, row=1)
    extractions = made.decode()
    assert [extraction.id for extraction in extractions] == ["d1", "d2", "d3"]
    assert [len(extraction.mentions) for extraction in extractions] == [0, 1, 0]


def test_the_final_span_graph_is_scored_where_there_is_one() -> None:
    outputs = {
        "entity_logits": np.array([[0, 9], [0, 0], [5, 0]], dtype=np.float32),
        "kept_spans": np.array([0, 2]),
        "relation_logits": np.zeros((2, 2), dtype=np.float32),
        "pair_heads": np.array([0, 1]),
        "pair_tails": np.array([1, 0]),
    }
    initial = initial_scores(outputs)
    np.testing.assert_allclose(initial.entities[:, 1], [1 / (1 + np.exp(-9)), 1 / (1 + np.exp(5))])
    assert np.array_equal(final_scores(outputs).entities, initial.entities)
    final_logits = np.array([[0, 0], [0, 0]], dtype=np.float32)
    outputs |= {"final_entity_logits": final_logits, "final_relation_logits": final_logits}
    assert final_scores(outputs).entities.tolist() == [[0.5, 0.5], [0.5, 0.5]]


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("logits", ["entity_logits", "relation_logits"])
def test_scores_that_are_no_numbers_are_told(logits: str, value: float) -> None:
    outputs = {
        "entity_logits": np.array([[0, 9], [0, 9]], dtype=np.float32),
        "kept_spans": np.array([0, 1]),
        "relation_logits": np.zeros((2, 2), dtype=np.float32),
        "pair_heads": np.array([0, 1]),
        "pair_tails": np.array([1, 0]),
    }
    assert np.isfinite(initial_scores(outputs).entities).all()
    outputs[logits][1, 1] = value
    with pytest.raises(BundleError, match="no numbers"):
        initial_scores(outputs)
