import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from torch import Tensor, nn

from keci.config import ModelConfig
from keci.model.concept_gcn import RelationMaps
from keci.model.layers import FeedForward
from keci.runtime.integers import (
    IntegerLinear,
    IntegerRelationMaps,
    quantise_columns,
    quantise_rows,
    use_integers,
)

Array = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


@given(
    arrays(
        np.float32,
        array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements=st.floats(-(2.0**20), 2.0**20, width=32),
    )
)
def test_neighbouring_integers_fit_16_bits_with_any_activations(weight: Array) -> None:
    integers, scales = quantise_columns(weight)
    assert np.all(np.abs(weight - integers * scales) <= 0.501 * scales)
    padded = np.pad(integers.astype(int), ((0, len(weight) % 2), (0, 0)))
    for sign in (1, -1):
        sums = np.maximum(sign * padded[0::2], 0) + np.maximum(sign * padded[1::2], 0)
        assert (255 * sums <= 32767).all()


@given(
    arrays(np.float32, array_shapes(min_dims=2, max_dims=2), elements=st.floats(-9, 9, width=32))
)
def test_rows_keep_their_values_within_half_a_step(values: Array) -> None:
    rows, scales = quantise_rows(torch.from_numpy(values))
    error = (rows * scales - torch.from_numpy(values)).abs()
    assert (error <= 0.501 * scales).all()


def plain_linear(linear: nn.Linear, row: Tensor) -> Tensor:
    """One row in Python's integers."""
    weight, scales = quantise_columns(linear.weight.detach().T.numpy())
    step = max(float(row.abs().max()) / 127, 1e-12)
    whole = [round(value / step) for value in row.tolist()]
    sums = [
        sum(x * int(w) for x, w in zip(whole, column, strict=True)) for column in weight.T.tolist()
    ]
    outputs = torch.tensor(sums) * step * torch.from_numpy(scales)
    return outputs if linear.bias is None else outputs + linear.bias.detach()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(5, 24), (2, 3, 24), (0, 24), (1, 24)])
@torch.inference_mode()
def test_a_linear_map_multiplies_integers(bias: bool, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(24, 17, bias=bias)
    values = torch.randn(shape) * 3
    found = IntegerLinear(linear)(values)
    assert found.shape == (*shape[:-1], 17)
    for row, output in zip(values.flatten(0, -2), found.flatten(0, -2), strict=True):
        torch.testing.assert_close(output, plain_linear(linear, row), rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_relation_maps_multiply_integers() -> None:
    torch.manual_seed(1)
    maps, counts = RelationMaps(20, 4), [3, 0, 1, 2]
    values = torch.randn(6, 20)
    found = IntegerRelationMaps(maps)(values, counts)
    relations = [0, 0, 0, 2, 3, 3]
    for row, relation, output in zip(values, relations, found, strict=True):
        linear = nn.Linear(20, 20, bias=False)
        linear.weight.copy_(maps.weight[relation].T)
        torch.testing.assert_close(output, plain_linear(linear, row), rtol=1e-5, atol=1e-5)
    assert (found - maps(values, counts)).abs().max() < 0.05


@torch.inference_mode()
def test_a_row_reads_the_same_among_others() -> None:
    torch.manual_seed(2)
    linear = IntegerLinear(nn.Linear(64, 32))
    values = torch.randn(50, 64)
    alone = torch.cat([linear(row[None]) for row in values])
    torch.testing.assert_close(linear(values), alone, rtol=1e-6, atol=1e-6)


def test_all_maps_become_integers() -> None:
    stage = nn.Sequential(
        FeedForward(8, 24, 3, ModelConfig(dropout=0.0)), RelationMaps(8, 2), RelationMaps(8, 0)
    )
    use_integers(stage)
    kinds = [type(module) for module in stage.modules()]
    assert kinds.count(IntegerLinear) == 2
    assert kinds.count(IntegerRelationMaps) == 1
    assert kinds.count(nn.Linear) == 0
    assert kinds.count(RelationMaps) == 1
