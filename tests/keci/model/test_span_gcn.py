from dataclasses import replace

import pytest
import torch

from keci.model.span_gcn import SpanGcn
from tests.tiny import CONFIG


def test_without_pairs_only_the_residual_and_the_update_of_zeros_remain() -> None:
    torch.manual_seed(5)
    gcn = SpanGcn(CONFIG, relation_labels=3).eval()
    states, none = torch.randn(2, CONFIG.span_width), torch.zeros(0, dtype=torch.int64)
    result = gcn(states, torch.tensor([0, 1, 2]), none, none, torch.zeros(0, 3)).graph_states
    zeros = torch.zeros(2 * CONFIG.span_width)
    expected = states + sum(layer.update(zeros) for layer in gcn.layers)
    torch.testing.assert_close(result, expected)


def test_a_batch_without_kept_spans_stays_empty() -> None:
    gcn = SpanGcn(CONFIG, relation_labels=3).eval()
    none = torch.zeros(0, dtype=torch.int64)
    states = gcn(
        torch.zeros(0, CONFIG.span_width), torch.tensor([0, 0]), none, none, torch.zeros(0, 3)
    )
    assert states.graph_states.shape == (0, CONFIG.span_width)


def test_both_directions_count() -> None:
    torch.manual_seed(5)
    gcn = SpanGcn(CONFIG, relation_labels=2).eval()
    states, splits = torch.randn(2, CONFIG.span_width), torch.tensor([0, 2])
    heads, tails = torch.tensor([0, 1]), torch.tensor([1, 0])
    one_way = torch.tensor([[9.0, 0.0], [0.0, 9.0]])
    there = gcn(states, splits, heads, tails, one_way).graph_states
    back = gcn(states, splits, heads, tails, one_way.flip(0)).graph_states
    assert not torch.allclose(there, back)


@pytest.mark.parametrize("none_messages", [True, False])
def test_spans_that_are_not_related_hear_of_each_other_along_none_alone(
    none_messages: bool,
) -> None:
    torch.manual_seed(5)
    config = replace(CONFIG, none_messages=none_messages)
    gcn = SpanGcn(config, relation_labels=3).eval()
    states, splits = torch.randn(2, CONFIG.span_width), torch.tensor([0, 2])
    heads, tails = torch.tensor([0, 1]), torch.tensor([1, 0])
    unrelated = torch.tensor([[99.0, 0.0, 0.0]] * 2)
    known = gcn(states, splits, heads, tails, unrelated).graph_states
    changed = torch.stack((states[0], states[1] + 1))
    other = gcn(changed, splits, heads, tails, unrelated).graph_states
    assert torch.equal(known[0], other[0]) is not none_messages
