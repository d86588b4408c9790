from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from keci.config import ModelConfig
from keci.model.pair_context import POSITION_COUNT, PairContext, range_maxima
from keci.prediction import to_tensors
from tests.tiny import CONFIG, knowledge_config, tiny_builder, tiny_knowledge_base
from tests.tiny import documents as tiny_documents
from tests.tiny_network import tiny_network

WIDTH = 3


@given(st.integers(1, 40), st.data())
def test_maxima_are_those_of_each_range(rows: int, data: st.DataObject) -> None:
    torch.manual_seed(rows)
    values = torch.rand(rows, WIDTH)
    bounds = st.tuples(st.integers(0, rows), st.integers(0, rows))
    ranges = data.draw(st.lists(bounds, min_size=1, max_size=20))
    starts, ends = (torch.tensor(side) for side in zip(*ranges, strict=True))
    for row, (start, end) in zip(range_maxima(values, starts, ends), ranges, strict=True):
        expected = values[start:end].amax(0) if start < end else torch.zeros(WIDTH)
        assert torch.equal(row, expected)


def stage() -> PairContext:
    torch.manual_seed(1)
    return PairContext(ModelConfig(pair_context=WIDTH), encoder_width=4).eval()


def contexts(*spans: tuple[int, int], tokens: int = 200) -> tuple[torch.Tensor, torch.Tensor]:
    """Contexts and positions of the pair (first, second) and of (second, first)."""
    torch.manual_seed(2)
    starts, ends = (torch.tensor(side) for side in zip(*spans, strict=True))
    made = stage()(
        torch.randn(tokens, 4), starts, ends, torch.tensor([0, 1]),
        torch.tensor([0, 1]), torch.tensor([1, 0]),
    )  # fmt: skip
    return made.pair_contexts, made.pair_positions


def test_neighbours_have_no_context() -> None:
    between, _ = contexts((0, 2), (2, 3))
    assert torch.equal(between, torch.zeros(2, WIDTH))


def test_both_directions_have_one_context() -> None:
    between, positions = contexts((0, 2), (9, 11))
    assert torch.equal(between[0], between[1])
    assert bool(between[0].any())
    assert positions[0] != positions[1]


@pytest.mark.parametrize(
    ("head", "tail", "position"),
    [
        ((0, 2), (2, 3), 0),
        ((0, 2), (3, 4), 1),
        ((0, 2), (100, 101), 8),
        ((2, 3), (0, 2), 9),
        ((100, 101), (0, 2), 17),
        ((1, 2), (0, 3), 18),
        ((0, 3), (1, 3), 19),
        ((0, 2), (1, 3), 20),
    ],
)
def test_positions(head: tuple[int, int], tail: tuple[int, int], position: int) -> None:
    _, positions = contexts(head, tail)
    assert positions[0] == position < POSITION_COUNT


@torch.inference_mode()
def test_a_text_scores_alone_as_in_a_batch() -> None:
    base = tiny_knowledge_base()
    config = replace(knowledge_config(CONFIG, base), pair_context=WIDTH, name_kinds=True)
    network, builder = tiny_network(config), tiny_builder(config, base)
    texts = builder.prepare(
        tiny_documents("rash after abc kinase", "pain with abcillin, no rash", "abc")
    )
    device = torch.device("cpu")
    together = network(to_tensors(builder.build(texts), device))
    alone = [network(to_tensors(builder.build([text]), device)) for text in texts]
    for name in ("entity_logits", "relation_logits", "final_relation_logits", "pair_contexts"):
        joined = torch.cat([outputs[name] for outputs in alone])
        torch.testing.assert_close(together[name], joined)
