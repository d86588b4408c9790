from pathlib import Path

import pytest
import torch
from torch import Tensor

from keci.errors import BundleError
from keci.model.stored_weights import store_weights, stored_weights


def weights() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {
        "maps.weight": torch.randn(64, 100) * torch.rand(64, 1),
        "maps.bias": torch.randn(64),
        "stack": torch.randn(3, 50, 40) * torch.rand(3, 1, 40),
        "small": torch.randn(4, 4),
        "zeros": torch.zeros(64, 64),
    }


def test_weights_are_kept_as_they_are(tmp_path: Path) -> None:
    store_weights(weights(), tmp_path / "graph", in_8_bits=False)
    loaded = stored_weights(tmp_path / "graph")
    assert loaded.keys() == weights().keys()
    assert all(torch.equal(loaded[name], value) for name, value in weights().items())


def test_in_8_bits_each_output_errs_by_half_a_step(tmp_path: Path) -> None:
    store_weights(weights(), tmp_path / "graph", in_8_bits=True)
    loaded = stored_weights(tmp_path / "graph")
    assert loaded.keys() == weights().keys()
    for name, axis in (("maps.weight", 1), ("stack", 1)):
        whole = weights()[name]
        steps = whole.abs().amax(axis, keepdim=True) / 127
        assert ((loaded[name] - whole).abs() <= steps * 0.51).all()
    for name in ("maps.bias", "small", "zeros"):
        assert torch.equal(loaded[name], weights()[name])
    assert (tmp_path / "graph").stat().st_size < 4 * 64 * 64 + 64 * 100 + 3 * 50 * 40


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "graph").write_bytes(b"x")
    with pytest.raises(BundleError, match="cannot be read"):
        stored_weights(tmp_path / "graph")


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_values_that_are_no_numbers_are_refused_by_the_name_of_their_tensor(
    tmp_path: Path, value: float
) -> None:
    broken = weights()
    broken["maps.bias"][3] = value
    store_weights(broken, tmp_path / "graph", in_8_bits=True)
    with pytest.raises(BundleError, match=r"maps\.bias has values that are no finite numbers"):
        stored_weights(tmp_path / "graph")
