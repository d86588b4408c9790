from dataclasses import replace

import pytest
import torch
from torch import Tensor

from keci.config import TrainConfig
from keci.training.loss import relation_loss, total_loss
from keci.training.targets import Targets

TARGETS = Targets(torch.tensor([0, 2, 1]), torch.tensor([1 * 3 + 2]), torch.tensor([1]))
CONFIG = TrainConfig(relation_loss="softmax")


def batch(*, final: bool = True, scale: float = 1.0) -> dict[str, Tensor]:
    """Two documents with three spans, of which the last two are kept in the second."""
    torch.manual_seed(4)
    tensors = {
        "entity_logits": scale * torch.randn(3, 3),
        "kept_spans": torch.tensor([1, 2]),
        "kept_splits": torch.tensor([0, 0, 2]),
        "pair_heads": torch.tensor([0, 1]),
        "pair_tails": torch.tensor([1, 0]),
        "relation_logits": scale * torch.randn(2, 2),
    }
    if final:
        tensors["final_entity_logits"] = scale * torch.randn(2, 3)
        tensors["final_relation_logits"] = scale * torch.randn(2, 2)
    return tensors


def cross_entropy(logits: Tensor, labels: list[int]) -> Tensor:
    rows = zip(logits, labels, strict=True)
    return torch.stack([-row.softmax(0)[label].log() for row, label in rows]).sum()


def test_the_objective_weighs_the_final_graph_twice() -> None:
    tensors = batch()
    initial = cross_entropy(tensors["entity_logits"], [0, 2, 1])
    initial = initial + cross_entropy(tensors["relation_logits"], [1, 0])
    final = cross_entropy(tensors["final_entity_logits"], [2, 1])
    final = final + cross_entropy(tensors["final_relation_logits"], [1, 0])
    loss = total_loss(tensors, TARGETS, CONFIG, with_relations=True)
    torch.testing.assert_close(loss, (initial + 2 * final) / 2)
    heavier = total_loss(tensors, TARGETS, replace(CONFIG, final_weight=3.0), with_relations=True)
    torch.testing.assert_close(heavier - loss, final / 2)


def test_the_initial_graph_alone_has_no_second_half() -> None:
    tensors = batch(final=False)
    expected = cross_entropy(tensors["entity_logits"], [0, 2, 1])
    expected = expected + cross_entropy(tensors["relation_logits"], [1, 0])
    loss = total_loss(tensors, TARGETS, CONFIG, with_relations=True)
    torch.testing.assert_close(loss, expected / 2)


def test_relations_can_be_left_out() -> None:
    tensors = batch()
    expected = cross_entropy(tensors["entity_logits"], [0, 2, 1])
    expected = expected + 2 * cross_entropy(tensors["final_entity_logits"], [2, 1])
    loss = total_loss(tensors, TARGETS, CONFIG, with_relations=False)
    torch.testing.assert_close(loss, expected / 2)


def test_the_binary_loss_counts_every_label() -> None:
    logits = torch.randn(4, 3)
    probabilities, wanted = logits.softmax(1), torch.eye(3)[torch.tensor([0, 1, 2, 1])]
    expected = torch.nn.functional.binary_cross_entropy(probabilities, wanted, reduction="sum")
    loss = relation_loss(logits, torch.tensor([0, 1, 2, 1]), "binary")
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize("kind", ["binary", "softmax"])
def test_confident_mistakes_have_finite_losses_and_gradients(kind: str) -> None:
    tensors = batch(scale=1e3)
    for logits in tensors.values():
        if logits.is_floating_point():
            logits.requires_grad_()
    loss = total_loss(tensors, TARGETS, replace(CONFIG, relation_loss=kind), with_relations=True)
    loss.backward()
    assert loss.isfinite()
    for name in ("entity_logits", "relation_logits", "final_relation_logits"):
        gradient = tensors[name].grad
        assert gradient is not None
        assert gradient.isfinite().all()


@pytest.mark.parametrize("kind", ["binary", "softmax"])
def test_no_pairs_cost_nothing(kind: str) -> None:
    assert relation_loss(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64), kind) == 0
