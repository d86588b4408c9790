from dataclasses import replace

import pytest
import torch
from torch import Tensor

from keci.config import TrainConfig
from keci.training.loss import bag_scores, relation_loss, total_loss
from keci.training.targets import Targets

TARGETS = Targets(
    torch.tensor([0, 2, 1]),
    torch.tensor([-1, 0, 1]),
    torch.tensor([1 * 3 + 2]),
    torch.tensor([1]),
)
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


def test_a_bag_adds_the_odds_of_its_pairs() -> None:
    torch.manual_seed(5)
    logits, labels = torch.randn(5, 3), torch.tensor([2, 0, 2, 0, 1])
    bags = torch.tensor([7, 3, 7, 3, 9])
    together, said = bag_scores(logits, labels, bags)
    assert said.tolist() == [0, 2, 1]
    odds = logits.softmax(1) / logits.softmax(1)[:, :1]
    sums = torch.stack((odds[1] + odds[3], odds[0] + odds[2], odds[4]))
    sums[:, 0] = 1
    torch.testing.assert_close(together.softmax(1), sums / sums.sum(1, keepdim=True))


def test_bags_of_one_pair_cost_what_their_pairs_cost() -> None:
    logits, labels = torch.randn(4, 3), torch.tensor([2, 0, 2, 1])
    alone = relation_loss(logits, labels, "softmax", bags=torch.tensor([3, 1, 2, 0]))
    torch.testing.assert_close(alone, relation_loss(logits, labels, "softmax"))


def test_one_certain_pair_is_enough_for_a_bag_that_is_related() -> None:
    logits = torch.tensor([[0.0, 9.0], [9.0, 0.0], [9.0, 0.0]])
    bags, related = torch.zeros(3, dtype=torch.int64), torch.ones(3, dtype=torch.int64)
    assert relation_loss(logits, related, "softmax", bags=bags) < 1e-3
    assert relation_loss(logits, 0 * related, "softmax", bags=bags) > 8
    assert relation_loss(logits, related, "softmax") > 17


def test_bags_of_certain_pairs_have_finite_gradients() -> None:
    logits = torch.tensor([[1e3, -1e3], [-1e3, 1e3], [0.0, 0.0]], requires_grad=True)
    loss = relation_loss(logits, torch.tensor([0, 0, 1]), "softmax", bags=torch.tensor([0, 0, 1]))
    loss.backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_a_loss_over_concepts_counts_each_bag_once() -> None:
    tensors = batch()
    bags = TARGETS.pair_bags(tensors["kept_spans"], tensors["pair_heads"], tensors["pair_tails"])
    assert len(bags.unique()) == 2
    over_concepts = replace(CONFIG, relation_unit="concepts")
    torch.testing.assert_close(
        total_loss(tensors, TARGETS, over_concepts, with_relations=True),
        total_loss(tensors, TARGETS, CONFIG, with_relations=True),
    )
