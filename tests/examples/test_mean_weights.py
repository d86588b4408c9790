"""The mean of the weights of trainings."""

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from examples.mean_weights import main, mean_of
from keci.training.checkpoint import BEST_FILE, load_run, read_tensors


def test_each_tensor_is_the_mean() -> None:
    runs = [{"a": torch.tensor([1.0, value])} for value in (2.0, 5.0)]
    assert mean_of(runs)["a"].tolist() == [1.0, 3.5]
    with pytest.raises(ValueError, match="different tensors"):
        mean_of([{"a": torch.zeros(2)}, {"a": torch.zeros(3)}])


def test_the_mean_of_a_run_with_itself_is_that_run(tiny_run: Path, tmp_path: Path) -> None:
    output = tmp_path / "mean"
    result = CliRunner().invoke(main, [str(output), str(tiny_run), str(tiny_run)])
    assert result.exit_code == 0, result.output
    found, expected = (read_tensors(folder / BEST_FILE) for folder in (output, tiny_run))
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    load_run(output)
