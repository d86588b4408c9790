from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

pytest.importorskip("transformers")

from keci.config import TrainConfig
from keci.errors import BundleError
from keci.model.network import Network
from keci.training.optimisation import Optimisation
from tests.tiny import CONFIG
from tests.tiny_network import tiny_network

TRAIN = TrainConfig(
    epochs=5, encoder_learning_rate=1e-3, upper_learning_rate=1e-2, warmup_share=0.2
)


def rates(optimisation: Optimisation) -> set[float]:
    return {group["lr"] for group in optimisation.optimiser.param_groups}


def fill_gradients(network: Network, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)


def names_of(network: Network, *, learning_rate: float, decay: float) -> set[str]:
    optimisation = Optimisation(network, TRAIN, steps_per_epoch=1)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    return {
        names[id(parameter)]
        for group in optimisation.optimiser.param_groups
        if (group["initial_lr"], group["weight_decay"]) == (learning_rate, decay)
        for parameter in group["params"]
    }


def test_every_parameter_is_in_one_group() -> None:
    network = tiny_network(CONFIG)
    groups = Optimisation(network, TRAIN, steps_per_epoch=1).optimiser.param_groups
    members = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(members) == sorted(id(parameter) for parameter in network.parameters())


def test_the_transformer_has_its_own_rate_and_vectors_do_not_decay() -> None:
    network = tiny_network(CONFIG)
    decay = TRAIN.weight_decay
    slow = names_of(network, learning_rate=1e-3, decay=decay)
    assert slow
    assert all(name.startswith("encoder.transformer.") for name in slow)
    assert "encoder.layer_scores" in names_of(network, learning_rate=1e-2, decay=0.0)
    fast = names_of(network, learning_rate=1e-2, decay=decay)
    assert "spans.stages.concept_gcn.layers.0.relation_maps.weight" in fast
    assert not any(name.endswith(".bias") for name in slow | fast)


def test_rates_warm_up_and_fall_to_zero_linearly() -> None:
    network = tiny_network(CONFIG)
    optimisation = Optimisation(network, TRAIN, steps_per_epoch=4)
    seen = []
    for _ in range(20):
        seen.append(max(rates(optimisation)))
        fill_gradients(network, 0)
        optimisation.step()
    warm_up = [1e-2 * (step + 1) / 4 for step in range(4)]
    decay = [1e-2 * (20 - step) / 16 for step in range(4, 20)]
    assert seen == pytest.approx(warm_up + decay)
    assert max(rates(optimisation)) == 0.0


def test_gradients_are_clipped_and_cleared() -> None:
    network = tiny_network(CONFIG)
    optimisation = Optimisation(network, replace(TRAIN, max_gradient_norm=1e-3), steps_per_epoch=1)
    fill_gradients(network, 0)
    optimisation.step()
    moments = optimisation.tensors()
    first = [value for name, value in moments.items() if name.startswith("exp_avg:")]
    norm = torch.stack([value.norm() for value in first]).norm()
    assert float(norm) == pytest.approx(1e-3 * 0.1, rel=1e-3)
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("steps", [0, 1, 7])
def test_a_restored_optimiser_goes_on_bit_for_bit(tmp_path: Path, steps: int) -> None:
    network = tiny_network(CONFIG)
    optimisation = Optimisation(network, TRAIN, steps_per_epoch=4)
    for step in range(steps):
        fill_gradients(network, step)
        optimisation.step()
    save_file(optimisation.tensors(), tmp_path / "moments.safetensors")
    other = tiny_network(CONFIG, seed=2)
    other.load_state_dict(network.state_dict())
    restored = Optimisation(other, TRAIN, steps_per_epoch=4)
    restored.restore(load_file(tmp_path / "moments.safetensors"), steps=steps)
    assert rates(restored) == rates(optimisation)
    for step in range(steps, 12):
        for model, updates in ((network, optimisation), (other, restored)):
            fill_gradients(model, step)
            updates.step()
    state = other.state_dict()
    assert all(torch.equal(state[name], value) for name, value in network.state_dict().items())


def test_moments_of_another_network_are_refused() -> None:
    optimisation = Optimisation(tiny_network(CONFIG), TRAIN, steps_per_epoch=1)
    with pytest.raises(BundleError, match="other"):
        optimisation.restore({"exp_avg:other.weight": torch.zeros(1)}, steps=1)


def test_the_average_follows_the_weights_and_is_lent() -> None:
    network = tiny_network(CONFIG)
    optimisation = Optimisation(network, replace(TRAIN, weight_average=0.5), steps_per_epoch=4)
    name, parameter = next(iter(network.named_parameters()))
    expected = parameter.detach().clone()
    for update in range(1, 5):
        fill_gradients(network, update)
        optimisation.step()
        decay = min(0.5, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * parameter.detach()
    own = parameter.detach().clone()
    with optimisation.average.in_use():
        torch.testing.assert_close(parameter.detach(), expected)
    torch.testing.assert_close(parameter.detach(), own)
    torch.testing.assert_close(optimisation.average.weights[name], expected)


def test_the_scores_of_the_layers_may_have_a_rate_of_their_own() -> None:
    network = tiny_network(CONFIG)
    optimisation = Optimisation(network, replace(TRAIN, mix_learning_rate=0.1), steps_per_epoch=1)
    mixing = [g for g in optimisation.optimiser.param_groups if g["initial_lr"] == 0.1]
    assert [id(p) for group in mixing for p in group["params"]] == [
        id(network.encoder.layer_scores)
    ]
