from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from keci.batch import PreparedText
from keci.decoding import final_scores, initial_scores
from keci.documents import Document, Extraction
from keci.errors import DataError
from keci.prediction import Batching, HostArrays, Predictor, buckets, to_tensors
from tests.tiny import (
    CONFIG,
    SCHEMA,
    documents,
    knowledge_config,
    tiny_builder,
    tiny_knowledge_base,
)

pytest.importorskip("transformers")

from tests.tiny_network import decisive_network

BASE = tiny_knowledge_base()
MODEL = knowledge_config(CONFIG, BASE)
BUILDER = tiny_builder(MODEL, BASE)
NETWORK = decisive_network(MODEL)
TEXTS = (
    "rash after abc",
    "",
    "pain with rash and abc kinase .",
    "\x07",
    "abc",
    "rash  rash rash",
    "x y z",
)
WORDS = st.integers(0, 30).map(lambda count: "x " * count)


def predictor(batching: Batching) -> Predictor:
    device = torch.device("cpu")
    stages = NETWORK.ordered_stages()
    return Predictor(stages, BUILDER, SCHEMA, batching=batching, device=device)


def predict(*texts: str, batching: Batching = Batching()) -> list[Extraction]:
    return list(predictor(batching)(documents(*texts)))


def assert_alike(one: Extraction, other: Extraction) -> None:
    """Equal but for scores, which may differ by 1e-4."""
    assert (one.id, one.text) == (other.id, other.text)
    for name in ("mentions", "relations"):
        items, others = getattr(one, name), getattr(other, name)
        assert [(i.id, i.type) for i in items] == [(o.id, o.type) for o in others]
        scores = [item.score for item in others]
        assert [item.score for item in items] == pytest.approx(scores, abs=1e-4)
    ends = [(mention.start, mention.end) for mention in one.mentions]
    assert ends == [(mention.start, mention.end) for mention in other.mentions]


def test_extractions_come_in_the_order_of_the_documents() -> None:
    extractions = predict(*TEXTS)
    assert [item.document for item in extractions] == documents(*TEXTS)
    assert any(item.mentions for item in extractions)
    assert any(item.relations for item in extractions)


@pytest.mark.parametrize("budget", [1, 16, 40, 10_000])
@pytest.mark.parametrize("window", [1, 2, 100])
def test_answers_do_not_depend_on_batching(budget: int, window: int) -> None:
    batching = Batching(token_budget=budget, window=window)
    usual = predict(*TEXTS)
    for one, other in zip(predict(*TEXTS, batching=batching), usual, strict=True):
        assert_alike(one, other)


def test_answers_do_not_depend_on_neighbours() -> None:
    together = predict(*TEXTS)
    for place, text in enumerate(TEXTS):
        (alone,) = predictor(Batching())([Document(f"d{place + 1}", text)])
        assert_alike(alone, together[place])


def test_documents_are_read_one_window_at_a_time() -> None:
    read: list[str] = []

    def stream() -> Iterator[Document]:
        for document in documents(*["rash"] * 6):
            read.append(document.id)
            yield document

    extractions = predictor(Batching(window=2))(stream())
    next(extractions)
    assert read == ["d1", "d2"]
    assert len(list(extractions)) == 5


def test_one_run_of_the_stages_is_read_by_several_scorings() -> None:
    texts = documents(*TEXTS)
    reader = predictor(Batching(window=3))
    read = list(reader.readings(texts, (initial_scores, final_scores)))
    assert [final for _, final in read] == list(reader(texts))
    assert [initial.document for initial, _ in read] == texts
    assert any(initial != final for initial, final in read)


def test_no_documents_give_no_extractions() -> None:
    assert predict() == []
    assert predict("", " ") == [Extraction("d1", ""), Extraction("d2", " ")]


def test_a_document_beyond_the_encoder_is_refused() -> None:
    with pytest.raises(DataError, match="d2"):
        predict("rash", "x " * 300)


@given(texts=st.lists(WORDS, max_size=8), budget=st.integers(1, 120))
def test_buckets_hold_every_text_once_and_keep_the_budget(texts: list[str], budget: int) -> None:
    prepared: list[PreparedText] = BUILDER.prepare(documents(*texts))
    found = list(buckets(prepared, budget, BUILDER.special_count))
    assert sorted(place for bucket in found for place in bucket) == list(range(len(texts)))
    for bucket in found:
        longest = max(prepared[place].token_count for place in bucket) + BUILDER.special_count
        assert len(bucket) == 1 or len(bucket) * longest <= budget


def test_tensors_share_the_memory_of_the_batch() -> None:
    batch = BUILDER.build(BUILDER.prepare(documents("rash after abc")))
    tensors = to_tensors(batch, torch.device("cpu"))
    assert tensors.keys() == batch.arrays.keys()
    for name, array in batch.arrays.items():
        assert np.shares_memory(tensors[name].numpy(), array) or not array.size


def test_answers_with_a_reach_do_not_depend_on_neighbours() -> None:
    model = replace(MODEL, pair_reach=0)
    builder = tiny_builder(model, BASE)
    stages = decisive_network(model).ordered_stages()
    texts = ("Rash after abc.\n\nPain with rash.\n\nabc kinase x.", "pain with rash", "abc")

    def read(budget: int) -> list[Extraction]:
        device, batching = torch.device("cpu"), Batching(token_budget=budget)
        near = Predictor(stages, builder, SCHEMA, batching=batching, device=device)
        return list(near(documents(*texts)))

    together, alone = read(640), read(1)
    assert any(extraction.relations for extraction in together)
    for one, other in zip(together, alone, strict=True):
        assert_alike(one, other)
    mentions = {mention.id: mention for mention in together[0].mentions}
    for relation in together[0].relations:
        between = sorted((mentions[relation.head].start, mentions[relation.tail].start))
        assert "\n\n" not in texts[0][slice(*between)]


def test_a_tensor_leaves_its_device_when_it_is_first_read_and_once() -> None:
    class Device:
        copies = 0

        def cpu(self) -> torch.Tensor:
            Device.copies += 1
            return torch.arange(3)

    arrays = HostArrays({"kept_spans": Device(), "span_hidden": Device()})  # type: ignore[dict-item]
    assert "span_hidden" in arrays
    assert [*arrays] == ["kept_spans", "span_hidden"]
    assert len(arrays) == 2
    assert Device.copies == 0
    assert [arrays["kept_spans"].tolist() for _ in range(2)] == [[0, 1, 2]] * 2
    assert Device.copies == 1
