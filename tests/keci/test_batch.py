from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keci.batch import Batch, PreparedText, find_keys, offset_keys, span_keys
from keci.config import ModelConfig
from keci.errors import DataError
from keci.knowledge.base.records import ConceptRecord, RelationRecord
from keci.knowledge.base.store import knowledge_base_in_memory
from keci.knowledge.graph import graph_relation_names
from keci.knowledge.vocabularies import Knowledge
from keci.stages import TENSORS
from tests.strategies import hard_texts
from tests.tiny import (
    CONFIG,
    documents,
    knowledge_config,
    tiny_builder,
    tiny_knowledge_base,
    tiny_text_tokenizer,
)

BASE = tiny_knowledge_base()
MODEL = knowledge_config(CONFIG, BASE)
BUILDER = tiny_builder(MODEL, BASE)
TEXTS = ("rash after abc", "", "pain with abc kinase .", "x", "\x07")


def build(*texts: str) -> Batch:
    return BUILDER.build(BUILDER.prepare(documents(*texts)))


def part(batch: Batch, name: str, splits: str, row: int) -> list[int]:
    """The values of one document."""
    first, last = batch.arrays[splits][row : row + 2]
    return batch.arrays[name][first:last].tolist()  # type: ignore[no-any-return]


def test_rows_hold_special_tokens_pieces_and_padding() -> None:
    batch = build("rash after abc", "pain")
    tokenizer = tiny_text_tokenizer()
    long, short = (tokens.piece_ids.tolist() for tokens in tokenizer(["rash after abc", "pain"]))
    (start,), (end,) = tokenizer.prefix_ids, tokenizer.suffix_ids
    assert batch.arrays["input_ids"].tolist() == [
        [start, *long, end],
        [start, *short, end, *[tokenizer.pad_id] * (len(long) - 1)],
    ]
    assert batch.arrays["attention_mask"].sum(1).tolist() == [len(long) + 2, 3]


@given(st.lists(hard_texts(), min_size=1, max_size=4))
def test_slots_lead_back_to_the_pieces_of_each_text(texts: list[str]) -> None:
    texts = [text[:40] for text in texts]
    batch = build(*texts)
    ids = batch.arrays["input_ids"].ravel()[batch.arrays["token_slots"]]
    expected = [tokens.piece_ids.tolist() for tokens in tiny_text_tokenizer()(texts)]
    splits = batch.arrays["token_splits"]
    assert [ids[a:b].tolist() for a, b in pairwise(splits)] == expected


def test_spans_point_at_tokens_of_their_own_document() -> None:
    batch = build(*TEXTS)
    for row, text in enumerate(batch.texts):
        shift = batch.arrays["token_splits"][row]
        starts = part(batch, "span_starts", "span_splits", row)
        ends = part(batch, "span_ends", "span_splits", row)
        assert starts == (text.spans.token_starts + shift).tolist()
        assert ends == (text.spans.token_ends + shift).tolist()
        assert all(end <= batch.arrays["token_splits"][row + 1] for end in ends)


def test_arrays_have_the_types_of_the_table() -> None:
    for batch in (build(*TEXTS), build(""), build("zzz")):
        for name, array in batch.arrays.items():
            assert (name, str(array.dtype)) == (name, TENSORS[name].dtype)
            assert array.ndim == len(TENSORS[name].dims)


def candidate_texts(batch: Batch) -> list[tuple[str, str]]:
    """Text of the span and id of the concept of each candidate."""
    assert batch.graph is not None
    found = []
    spans, nodes = batch.arrays["candidate_spans"], batch.arrays["candidate_nodes"]
    for span, node in zip(spans.tolist(), nodes.tolist(), strict=True):
        row = int(np.searchsorted(batch.arrays["span_splits"], span, side="right")) - 1
        text = batch.texts[row]
        place = span - int(batch.arrays["span_splits"][row])
        surface = text.document.text[text.spans.starts[place] : text.spans.ends[place]]
        found.append((surface, BASE.concept(int(batch.graph.node_concepts[node])).id))
    return found


def test_candidates_join_spans_and_concepts() -> None:
    batch = build("rash  after abc", "nothing", "abc")
    assert sorted(candidate_texts(batch)) == [
        ("abc", "X:3"),
        ("abc", "X:3"),
        ("abc", "X:4"),
        ("abc", "X:4"),
        ("rash", "X:1"),
    ]


def test_a_concept_mention_that_is_no_span_has_no_candidates() -> None:
    wide = "abc " + "kinase"
    batch = build(wide)
    (mention,) = [m for m in batch.texts[0].concept_mentions if m.end == len(wide)]
    assert len(mention.concepts) == 1
    assert [surface for surface, _ in candidate_texts(batch)] == ["abc", "abc"]


def test_edges_are_sorted_by_relation_and_tail_and_stay_inside_documents() -> None:
    batch = build("abc helps pain", "rash", "abc helps pain")
    arrays = batch.arrays
    order = list(zip(arrays["edge_relations"], arrays["edge_tails"], strict=True))
    assert order == sorted(order)
    assert batch.graph is not None
    rows = np.searchsorted(batch.graph.node_splits, arrays["edge_heads"], side="right")
    tail_rows = np.searchsorted(batch.graph.node_splits, arrays["edge_tails"], side="right")
    assert (rows == tail_rows).all()
    assert len(arrays["edge_heads"]) > 0


def relations_of(config: ModelConfig) -> list[str]:
    builder = tiny_builder(config, BASE)
    arrays = builder.build(builder.prepare(documents("abc helps pain"))).arrays
    return [config.graph_relations[place] for place in arrays["edge_relations"]]


def test_the_knowledge_base_is_mapped_by_name() -> None:
    turned = replace(
        MODEL,
        graph_relations=("other", *reversed(MODEL.graph_relations)),
        semantic_types=(*reversed(MODEL.semantic_types), "T999"),
    )
    assert sorted(relations_of(turned)) == sorted(relations_of(MODEL))
    builder = tiny_builder(turned, BASE)
    types = builder.build(builder.prepare(documents("rash"))).arrays["node_types"]
    assert {turned.semantic_types[place] for place in types} == {"T033"}


def test_what_the_model_does_not_know_is_left_out_and_named() -> None:
    narrow = replace(MODEL, graph_relations=("has_type",), semantic_types=("T033",))
    knowledge = Knowledge(BASE, narrow)
    assert knowledge.unknown_types == ("T109", "T116")
    assert set(knowledge.unknown_relations) == {*MODEL.graph_relations} - {"has_type"}
    assert set(relations_of(narrow)) == {"has_type"}


def test_a_model_without_knowledge_reads_none() -> None:
    config = replace(CONFIG, knowledge="none")
    builder = tiny_builder(config, None)
    batch = builder.build(builder.prepare(documents("rash")))
    assert batch.graph is None
    assert "node_types" not in batch.arrays


def test_a_model_with_knowledge_runs_without_a_base_on_an_empty_graph() -> None:
    builder = tiny_builder(MODEL, None)
    arrays = builder.build(builder.prepare(documents("rash"))).arrays
    assert arrays["node_types_splits"].tolist() == [0]
    assert arrays["node_vectors"].shape == (0, 0)


@pytest.mark.parametrize("count", [62, 63, 100, 248])
def test_a_text_that_the_encoder_cannot_read_at_once_takes_several_rows(count: int) -> None:
    letters = "abcdefghij" * 25
    batch = build("pain", " ".join(letters[:count]), "rash")
    limit = BUILDER.max_tokens + BUILDER.special_count
    assert batch.arrays["input_ids"].shape[1] == min(limit, count + BUILDER.special_count)
    ids = batch.arrays["input_ids"].ravel()[batch.arrays["token_slots"]]
    expected = np.concatenate([text.tokens.piece_ids for text in batch.texts])
    assert (ids == expected).all()
    assert (len(batch.arrays["input_ids"]) > 3) is (count > 62)


def test_a_text_beyond_several_rows_is_refused() -> None:
    with pytest.raises(DataError, match=r"249 word pieces; at most 248"):
        BUILDER.prepare(documents("x " * 249))


def arrays_of_one(text: PreparedText) -> dict[str, list[object]]:
    return {name: array.tolist() for name, array in BUILDER.build([text]).arrays.items()}


@settings(max_examples=30)
@given(st.lists(st.sampled_from([*TEXTS, "abc abc", "pain, rash"]), min_size=1, max_size=5))
def test_texts_are_prepared_alike_in_any_company(texts: list[str]) -> None:
    together = BUILDER.prepare(documents(*texts))
    for text, prepared in zip(texts, together, strict=True):
        (alone,) = BUILDER.prepare(documents(text))
        assert arrays_of_one(prepared) == arrays_of_one(alone)


OFFSETS = st.lists(
    st.tuples(st.integers(0, 30000), st.integers(0, 1 << 23), st.integers(0, 1 << 23)), max_size=9
)


def columns(rows: Sequence[tuple[int, int, int]]) -> list[np.ndarray]:
    return list(np.array(rows, dtype=np.int64).reshape(-1, 3).T)


@given(OFFSETS)
def test_keys_order_and_identify_offsets(rows: list[tuple[int, int, int]]) -> None:
    keys = offset_keys(*columns(rows)).tolist()
    for row, key in zip(rows, keys, strict=True):
        for other, other_key in zip(rows, keys, strict=True):
            assert (row < other, row == other) == (key < other_key, key == other_key)


@given(st.lists(st.integers(-5, 5)), st.lists(st.integers(-5, 5)))
def test_keys_are_found_or_minus_one(known: list[int], wanted: list[int]) -> None:
    keys = sorted(set(known))
    found = find_keys(np.array(keys, dtype=np.int64), np.array(wanted, dtype=np.int64))
    assert found.tolist() == [keys.index(key) if key in keys else -1 for key in wanted]


def test_span_keys_ascend_over_the_batch() -> None:
    texts = BUILDER.prepare(documents(*TEXTS, *TEXTS))
    keys = span_keys(texts)
    assert len(keys) == sum(len(text.spans) for text in texts)
    assert (np.diff(keys) > 0).all()


def test_shared_neighbours_become_edges_where_the_model_wants_them() -> None:
    base = knowledge_base_in_memory(
        (
            ConceptRecord("X:1", "rash", ("T033",)),
            ConceptRecord("X:2", "pain", ("T033",)),
            ConceptRecord("X:3", "skin disorder", ("T047",)),
        ),
        (RelationRecord("X:1", "X:3", "isa"), RelationRecord("X:2", "X:3", "isa")),
    )
    edges = []
    for wanted in (False, True):
        model = replace(
            knowledge_config(CONFIG, base),
            shared_neighbours=wanted,
            graph_relations=graph_relation_names(base, shared_neighbours=wanted),
        )
        builder = tiny_builder(model, base)
        batch = builder.build(builder.prepare(documents("rash with pain")))
        edges.append(len(batch.arrays["edge_heads"]))
    assert edges[1] > edges[0]


def test_spans_know_their_sentence_where_pairs_have_a_reach() -> None:
    config = replace(CONFIG, pair_reach=1)
    text = "Rash after abc.\n\nPain with abc.\n\nNo rash."
    builder = tiny_builder(config, None)
    texts = builder.prepare(documents(text, "abc"))
    batch = builder.build(texts)
    starts = [start for prepared in texts for start in prepared.spans.starts.tolist()]
    expected = [1 if s < 17 else 2 if s < 33 else 3 for s in starts[: len(texts[0].spans)]]
    expected += [1] * len(texts[1].spans)
    assert batch.arrays["span_sentences"].tolist() == expected
    assert "span_sentences" not in tiny_builder(CONFIG, None).build(texts).arrays
