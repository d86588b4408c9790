"""Feed-forward networks, whole and with a first layer that is split by its inputs."""

from torch import Tensor, nn


class FeedForward(nn.Sequential):
    """FFNN: one hidden layer with ReLU; (..., inputs) -> (..., outputs)."""

    def __init__(self, inputs: int, hidden: int, outputs: int, *, dropout: float) -> None:
        super().__init__(
            nn.Linear(inputs, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, outputs)
        )


class HiddenToOutput(nn.Sequential):
    """The rest of a feed-forward network whose first layer was computed in parts.

    A first layer over a concatenation is a sum of linear maps of its parts, so each part is
    multiplied once where it arises and the products are gathered and added.
    """

    def __init__(self, hidden: int, outputs: int, *, dropout: float) -> None:
        super().__init__(nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, outputs))


def part(inputs: int, hidden: int, *, bias: bool = False) -> nn.Linear:
    """The share of a split first layer that reads one part of the concatenation."""
    return nn.Linear(inputs, hidden, bias=bias)


def apply_mask(values: Tensor, mask: Tensor) -> Tensor:
    """Values with the places where ``mask`` is False set to minus infinity."""
    return values.masked_fill(~mask, float("-inf"))
