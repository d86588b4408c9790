from pathlib import Path

import orjson
import pytest
import torch

pytest.importorskip("transformers")

from keci.config import TrainConfig
from keci.errors import BundleError, UsageError
from keci.model.network import Network
from keci.training.checkpoint import (
    State,
    check_new_or_resumed,
    load_state,
    read_tensors,
    save_state,
    write_tensors,
)
from keci.training.optimisation import Optimisation
from tests.tiny import CONFIG
from tests.tiny_network import tiny_network


def trained(seed: int) -> tuple[Network, Optimisation]:
    """A network after one update."""
    network = tiny_network(CONFIG, seed=seed)
    optimisation = Optimisation(network, TrainConfig(epochs=3), steps_per_epoch=2)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimisation.step()
    return network, optimisation


def test_a_new_folder_starts_at_the_beginning(tmp_path: Path) -> None:
    network, optimisation = trained(1)
    assert load_state(tmp_path, network, optimisation) == State(0, 0, 0.0)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    network, optimisation = trained(1)
    state = State(epoch=2, best_epoch=1, best_score=12.5)
    save_state(tmp_path, state, network, optimisation)
    other, moments = trained(2)
    assert load_state(tmp_path, other, moments) == state
    for name, value in network.state_dict().items():
        assert torch.equal(other.state_dict()[name], value)
    for name, value in optimisation.tensors().items():
        assert torch.equal(moments.tensors()[name], value)
    assert moments.schedule.last_epoch == 1


def test_only_the_last_epoch_is_kept(tmp_path: Path) -> None:
    network, optimisation = trained(1)
    for epoch in (1, 2, 3):
        save_state(tmp_path, State(epoch), network, optimisation)
    assert [path.name for path in tmp_path.glob("*.safetensors")] == ["last-3.safetensors"]
    assert not list(tmp_path.glob("*.partial"))


def test_a_death_between_the_two_files_leaves_the_epoch_before(tmp_path: Path) -> None:
    network, optimisation = trained(1)
    save_state(tmp_path, State(1), network, optimisation)
    (tmp_path / "last-2.safetensors").write_bytes(b"half of a file")
    (tmp_path / "last-2.partial").write_bytes(b"half of a file")
    assert load_state(tmp_path, network, optimisation).epoch == 1


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    network, optimisation = trained(1)
    save_state(tmp_path, State(1), network, optimisation)
    (tmp_path / "last-1.safetensors").write_bytes(b"half of a file")
    with pytest.raises(BundleError, match=r"last-1\.safetensors"):
        load_state(tmp_path, network, optimisation)
    (tmp_path / "last-1.safetensors").unlink()
    with pytest.raises(BundleError, match=r"last-1\.safetensors"):
        load_state(tmp_path, network, optimisation)


def test_a_run_is_not_overwritten_by_accident(tmp_path: Path) -> None:
    check_new_or_resumed(tmp_path / "nowhere", resume=False)
    network, optimisation = trained(1)
    save_state(tmp_path, State(1), network, optimisation)
    check_new_or_resumed(tmp_path, resume=True)
    with pytest.raises(UsageError, match="--resume"):
        check_new_or_resumed(tmp_path, resume=False)


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": "../../x"}, {"epoch": -1}, {"epoch": None}, {"best_score": "high"},
        {"best_score": None}, {"steps": 1.5}, {"steps": "1"}, {"best_epoch": []},
    ],
)  # fmt: skip
def test_tampered_progress_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    network, optimisation = trained(1)
    save_state(tmp_path, State(1), network, optimisation)
    path = tmp_path / "last.json"
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes()) | change))
    with pytest.raises(BundleError, match=next(iter(change))):
        load_state(tmp_path, network, optimisation)


def test_tampered_tensors_are_refused(tmp_path: Path) -> None:
    network, optimisation = trained(1)
    save_state(tmp_path, State(1), network, optimisation)
    path = tmp_path / "last-1.safetensors"
    tensors = read_tensors(path)
    for prefix in ("weight:", "exp_avg:"):
        name = next(name for name in tensors if name.startswith(prefix))
        write_tensors(path, tensors | {name: torch.zeros(2, 3, 4)})
        with pytest.raises(BundleError, match=r"does not hold the weights|has another shape"):
            load_state(tmp_path, network, optimisation)
