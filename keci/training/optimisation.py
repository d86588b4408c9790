"""AdamW with one learning rate for the encoder and one for the layers above it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

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
        self.average = WeightAverage(network, config.weight_average)
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
        self.average.update(self.schedule.last_epoch)
        self.optimiser.zero_grad(set_to_none=True)

    def tensors(self) -> dict[str, Tensor]:
        """The optimiser's moments by parameter name, and the averages of the weights."""
        moments = {
            f"{moment}:{name}": value
            for name, parameter in self.parameters.items()
            for moment, value in self.optimiser.state[parameter].items()
        }
        averages = {f"{_AVERAGE}:{name}": value for name, value in self.average.weights.items()}
        return {**moments, **averages}

    def restore(self, tensors: Mapping[str, Tensor], *, steps: int) -> None:
        """Continue from saved moments after ``steps`` updates.

        Raises BundleError where a moment is of no parameter of the network, or of another shape.
        """
        for key, value in tensors.items():
            moment, _, name = key.partition(":")
            if name not in self.parameters:
                raise BundleError(f"saved optimiser state is for an unknown parameter {name!r}")
            if value.numel() > 1 and value.shape != self.parameters[name].shape:
                raise BundleError(f"saved optimiser state of {name!r} has another shape")
            if moment == _AVERAGE:
                self.average.weights[name].copy_(value)
                continue
            parameter = self.parameters[name]
            self.optimiser.state[parameter][moment] = value.to(parameter.device)
        self.schedule.last_epoch = steps
        for group, rate in zip(self.optimiser.param_groups, self.schedule.base_lrs, strict=True):
            group["lr"] = rate * self.schedule.lr_lambdas[0](steps)


class WeightAverage:
    """Moving averages of the weights; none are kept where ``decay`` is 0.

    Early in training the decay is (1 + n) / (10 + n) after n updates, so that the start is soon
    forgotten.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.decay = decay
        self.parameters = dict(network.named_parameters()) if decay else {}
        self.weights = {name: value.detach().clone() for name, value in self.parameters.items()}

    @torch.no_grad()
    def update(self, updates: int) -> None:
        """Move the averages towards the weights, as they are after so many updates."""
        decay = min(self.decay, (1 + updates) / (10 + updates))
        averages = list(self.weights.values())
        if averages:
            current = [parameter.detach() for parameter in self.parameters.values()]
            torch._foreach_lerp_(averages, current, 1 - decay)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """The network has the averages for weights, and afterwards its own again."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        for name, parameter in self.parameters.items():
            kept = parameter.detach().clone()
            parameter.copy_(self.weights[name])
            self.weights[name].copy_(kept)


_AVERAGE = "average"


def _groups(network: Network, config: TrainConfig) -> list[dict[str, object]]:
    """Encoder and upper parameters, with weight decay on matrices alone.

    The scores that mix the encoder's layers have a rate of their own where one is set.
    """
    transformer = network.encoder.get_submodule("transformer")
    in_transformer = {id(parameter) for parameter in transformer.parameters()}
    mix = [p for name, p in network.encoder.named_parameters() if name == "layer_scores"]
    mixed = {id(parameter) for parameter in mix} if config.mix_learning_rate else set()
    groups: list[dict[str, object]] = []
    if mixed:
        groups.append({"params": mix, "lr": config.mix_learning_rate, "weight_decay": 0.0})
    for in_encoder, rate in (
        (True, config.encoder_learning_rate),
        (False, config.upper_learning_rate),
    ):
        chosen = [
            p
            for p in network.parameters()
            if (id(p) in in_transformer) == in_encoder and id(p) not in mixed
        ]
        for decays in (True, False):
            members = [p for p in chosen if (p.dim() > 1) == decays]
            decay = config.weight_decay if decays else 0.0
            groups.append({"params": members, "lr": rate, "weight_decay": decay})
    return groups
