"""Feed-forward networks, whole and with a first layer that is split by its inputs."""

import torch
from torch import Tensor, nn

from keci.config import ModelConfig


class Dropout(nn.Module):
    """Dropout whose mask takes one random byte an element, so ``rate`` is rounded to 1/256.

    With a hidden state for every span the masks are a third of a training step on a CPU when
    torch draws them; bytes cost less than half of that.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.kept_bytes = 256 - round(rate * 256)

    def forward(self, values: Tensor) -> Tensor:
        """Shape: any -> that of ``values``."""
        if not self.training or self.kept_bytes == 256:
            return values
        words = torch.empty(-(-values.numel() // 8), dtype=torch.int64, device=values.device)
        noise = words.random_(-(2**63), None).view(torch.uint8)[: values.numel()]
        kept = (noise < self.kept_bytes).view(values.shape).to(values.dtype)
        return values * (kept * (256 / self.kept_bytes))


class Activation(nn.Sequential):
    """The first of the hidden layers activated (ReLU), and the others, of the same width."""

    def __init__(self, hidden: int, config: ModelConfig) -> None:
        super().__init__(nn.ReLU(), Dropout(config.dropout))
        for _ in range(1, config.hidden_layers):
            self.extend((nn.Linear(hidden, hidden), nn.ReLU(), Dropout(config.dropout)))


class HiddenToOutput(nn.Sequential):
    """What of a feed-forward network comes behind its first layer; (..., hidden) -> (..., outputs).

    A first layer over a concatenation is a sum of linear maps of its parts, so each part is
    multiplied once where it arises and the products are gathered and added.
    """

    def __init__(self, hidden: int, outputs: int, config: ModelConfig) -> None:
        super().__init__(*Activation(hidden, config), nn.Linear(hidden, outputs))


class FeedForward(nn.Sequential):
    """FFNN: ``hidden_layers`` hidden layers with ReLU; (..., inputs) -> (..., outputs)."""

    def __init__(self, inputs: int, hidden: int, outputs: int, config: ModelConfig) -> None:
        first = nn.Linear(inputs, hidden)
        super().__init__(first, *HiddenToOutput(hidden, outputs, config))


def part(inputs: int, hidden: int, *, bias: bool = False) -> nn.Linear:
    """The share of a split first layer that reads one part of the concatenation."""
    return nn.Linear(inputs, hidden, bias=bias)


def apply_mask(values: Tensor, mask: Tensor) -> Tensor:
    """Values, and minus infinity where ``mask`` is False."""
    return values.masked_fill(~mask, float("-inf"))
