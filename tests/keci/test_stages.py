from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from keci.config import ModelConfig
from keci.model.network import SpanNetwork
from keci.stages import TENSORS, TorchStage, run_stages
from tests.keci.model.graphs import ENCODER_WIDTH, Shape, ragged, random_document
from tests.tiny import CONFIG, SCHEMA

CONFIGS = (CONFIG, replace(CONFIG, knowledge="tokens"))


class Sums(NamedTuple):
    sums: Tensor
    differences: Tensor


class AddAndSubtract(TorchStage):
    def forward(self, left: Tensor, right: Tensor) -> Sums:
        return Sums(left + right, left - right)


class Products(NamedTuple):
    left: Tensor


class Multiply(TorchStage):
    def forward(self, sums: Tensor, differences: Tensor) -> Products:
        return Products(sums * differences)


def test_a_stage_is_named_by_its_signature() -> None:
    stage = AddAndSubtract()
    assert stage.input_names == ("left", "right")
    assert stage.output_names == ("sums", "differences")


def test_the_fold_hands_outputs_to_later_stages() -> None:
    given = {"left": torch.tensor(5.0), "right": torch.tensor(3.0)}
    tensors = run_stages([AddAndSubtract(), Multiply()], given)
    assert {name: float(value) for name, value in tensors.items()} == {
        "left": 16.0,
        "right": 3.0,
        "sums": 8.0,
        "differences": 2.0,
    }
    assert float(given["left"]) == 5.0


def test_a_missing_input_is_named() -> None:
    with pytest.raises(KeyError, match="right"):
        run_stages([AddAndSubtract()], {"left": torch.tensor(5.0)})


def test_no_stages_change_nothing() -> None:
    assert run_stages([], {}) == {}


@pytest.mark.parametrize("config", CONFIGS)
def test_every_tensor_of_the_model_is_in_the_table(config: ModelConfig) -> None:
    stages = SpanNetwork(config, SCHEMA, encoder_width=ENCODER_WIDTH).stages.values()
    names = {name for stage in stages for name in (*stage.input_names, *stage.output_names)}
    assert names - TENSORS.keys() == set()


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("shape", [Shape(9, 4, 8, 5), Shape(1), Shape(0)])
def test_tensors_have_the_types_and_dimensions_of_the_table(
    shape: Shape, config: ModelConfig
) -> None:
    network = SpanNetwork(config, SCHEMA, encoder_width=ENCODER_WIDTH).eval()
    documents = [random_document(config, shape, seed) for seed in range(3)]
    tensors = run_stages(network.stages.values(), ragged(documents))
    sizes = dimension_sizes(tensors)
    known = {
        "documents": 3,
        "tokens": 3 * shape.tokens,
        "nodes": 3 * shape.nodes,
        "encoder_width": ENCODER_WIDTH,
        "span_width": CONFIG.span_width,
        "vector_width": CONFIG.vector_width,
        "entity_labels": 3,
        "relation_labels": 3,
    }
    assert sizes | known == sizes


def dimension_sizes(tensors: Mapping[str, Tensor]) -> dict[str, int]:
    """The size of each named dimension; fails where two tensors disagree."""
    sizes: dict[str, int] = {}
    for name, tensor in tensors.items():
        spec = TENSORS[name]
        assert str(tensor.dtype) == f"torch.{spec.dtype}", name
        assert tensor.dim() == len(spec.dims), name
        for dimension, size in zip(spec.dims, tensor.shape, strict=True):
            base, _, more = dimension.partition("+")
            assert sizes.setdefault(base, size - int(more or 0)) == size - int(more or 0), name
    return sizes
