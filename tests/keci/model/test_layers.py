import pytest
import torch
from torch import nn

from keci.config import ModelConfig
from keci.model.layers import Dropout, FeedForward, HiddenToOutput, apply_mask, part


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_split_first_layer_equals_the_whole(layers: int) -> None:
    torch.manual_seed(8)
    config = ModelConfig(dropout=0.0, hidden_layers=layers)
    whole = FeedForward(5, 4, 3, config)
    left, right = part(2, 4, bias=True), part(3, 4)
    rest = HiddenToOutput(4, 3, config)
    with torch.no_grad():
        left.weight.copy_(whole[0].weight[:, :2])
        right.weight.copy_(whole[0].weight[:, 2:])
        left.bias.copy_(whole[0].bias)
    rest.load_state_dict(nn.Sequential(*list(whole)[1:]).state_dict())
    assert sum(isinstance(layer, nn.ReLU) for layer in whole) == layers
    inputs = torch.randn(6, 5)
    split = rest(left(inputs[:, :2]) + right(inputs[:, 2:]))
    torch.testing.assert_close(split, whole(inputs))


def test_masked_places_are_minus_infinity() -> None:
    masked = apply_mask(torch.tensor([1.0, 2.0]), torch.tensor([True, False]))
    assert masked.tolist() == [1.0, float("-inf")]


def test_dropout_keeps_the_mean_and_does_nothing_outside_training() -> None:
    torch.manual_seed(8)
    dropout, ones = Dropout(0.2), torch.ones(300, 301, requires_grad=True)
    dropped = dropout(ones)
    assert abs(float((dropped == 0).float().mean()) - 51 / 256) < 0.01
    assert abs(float(dropped.mean()) - 1) < 0.01
    dropped.sum().backward()
    torch.testing.assert_close(ones.grad, dropped.detach())
    assert dropout.eval()(ones) is ones


def test_dropout_masks_are_independent_of_their_place_in_a_word() -> None:
    torch.manual_seed(8)
    zeros = (Dropout(0.5)(torch.ones(80_000)) == 0).float().view(-1, 8).mean(0)
    assert bool(((zeros - 0.5).abs() < 0.02).all())
