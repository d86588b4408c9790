"""AdamW with one learning rate for the encoder and one for the layers above it."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from keci.config import TrainConfig
from keci.errors import BundleError
from keci.model.network import Network


class Optimisation:
    """Clipping, AdamW and a linear warm-up and decay of both learning rates."""

    def __init__(self, network: Network, config: TrainConfig, *, steps_per_epoch: int) -> None:
        self.parameters = dict(network.named_parameters())
        self.max_gradient_norm = config.max_gradient_norm
        self.optimiser = torch.optim.AdamW(_groups(network, config), fused=True)
        total = max(config.epochs * steps_per_epoch, 1)
        warmup = max(round(total * config.warmup_share), 1)

        def share(step: int) -> float:
            return min((step + 1) / warmup, max(total - step, 0) / max(total - warmup, 1))

        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, share)

    def step(self) -> None:
        """Update the weights from the gradients that backward left, and clear them."""
        nn.utils.clip_grad_norm_(self.parameters.values(), self.max_gradient_norm)
        self.optimiser.step()
        self.schedule.step()
        self.optimiser.zero_grad(set_to_none=True)

    def tensors(self) -> dict[str, Tensor]:
        """The optimiser's moments by parameter name."""
        return {
            f"{moment}:{name}": value
            for name, parameter in self.parameters.items()
            for moment, value in self.optimiser.state[parameter].items()
        }

    def restore(self, tensors: Mapping[str, Tensor], *, steps: int) -> None:
        """Continue from saved moments after ``steps`` updates.

        Raises BundleError where a moment belongs to no parameter of the network.
        """
        for key, value in tensors.items():
            moment, _, name = key.partition(":")
            if name not in self.parameters:
                raise BundleError(f"saved optimiser state is for an unknown parameter {name!r}")
            parameter = self.parameters[name]
            self.optimiser.state[parameter][moment] = value.to(parameter.device)
        self.schedule.last_epoch = steps
        for group, rate in zip(self.optimiser.param_groups, self.schedule.base_lrs, strict=True):
            group["lr"] = rate * self.schedule.lr_lambdas[0](steps)


def _groups(network: Network, config: TrainConfig) -> list[dict[str, object]]:
    """Encoder and upper parameters, with weight decay on matrices alone."""
    transformer = network.encoder.get_submodule("transformer")
    in_transformer = {id(parameter) for parameter in transformer.parameters()}
    groups = []
    for in_encoder, rate in (
        (True, config.encoder_learning_rate),
        (False, config.upper_learning_rate),
    ):
        chosen = [p for p in network.parameters() if (id(p) in in_transformer) == in_encoder]
        for decays in (True, False):
            members = [p for p in chosen if (p.dim() > 1) == decays]
            decay = config.weight_decay if decays else 0.0
            groups.append({"params": members, "lr": rate, "weight_decay": decay})
    return groups
