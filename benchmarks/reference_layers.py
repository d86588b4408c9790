"""Feed-forward networks of the reference, with the weights of the model's layers."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def joined(*parts: nn.Linear) -> nn.Linear:
    """The first layer over a concatenation that ``parts`` were split from."""
    weight = torch.cat([part.weight for part in parts], dim=1)
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(torch.stack([p.bias for p in parts if p.bias is not None]).sum(0))
    return layer


def linears(network: nn.Module) -> list[nn.Linear]:
    """The linear layers of a feed-forward network in their order."""
    return [module for module in network.modules() if isinstance(module, nn.Linear)]


def feed_forward(layers: Sequence[nn.Linear], inputs: Tensor) -> Tensor:
    """FFNN: linear layers with ReLU between them; (..., inputs) -> (..., outputs)."""
    first, *others = layers
    outputs: Tensor = first(inputs)
    for layer in others:
        outputs = layer(outputs.relu())
    return outputs
