import torch

from keci.model.layers import FeedForward, HiddenToOutput, apply_mask, part


def test_a_split_first_layer_equals_the_whole() -> None:
    torch.manual_seed(8)
    whole = FeedForward(5, 4, 3, dropout=0.0)
    left, right = part(2, 4, bias=True), part(3, 4)
    rest = HiddenToOutput(4, 3, dropout=0.0)
    with torch.no_grad():
        left.weight.copy_(whole[0].weight[:, :2])
        right.weight.copy_(whole[0].weight[:, 2:])
        left.bias.copy_(whole[0].bias)
    rest.load_state_dict({f"2.{name}": value for name, value in whole[3].state_dict().items()})
    inputs = torch.randn(6, 5)
    split = rest(left(inputs[:, :2]) + right(inputs[:, 2:]))
    torch.testing.assert_close(split, whole(inputs))


def test_masked_places_are_minus_infinity() -> None:
    masked = apply_mask(torch.tensor([1.0, 2.0]), torch.tensor([True, False]))
    assert masked.tolist() == [1.0, float("-inf")]
