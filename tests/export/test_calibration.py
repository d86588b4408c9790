import numpy as np
import pytest
import torch
from onnx import helper

from keci.export.calibration import channel_ranges
from tests.export.graph_of import graph_of


def test_ranges_are_taken_over_all_rows_of_all_probes() -> None:
    nodes = [
        helper.make_node("Mul", ["x", "twice"], ["double"]),
        helper.make_node("MatMul", ["double", "w"], ["y"]),
    ]
    weights = {"twice": np.array(2, np.float32), "w": np.ones((3, 16), np.float32)}
    probes = [
        {"x": torch.tensor([[1.0, -5.0, 0.0], [2.0, 3.0, 0.0]])},
        {"x": torch.empty(0, 3)},
        {"x": torch.tensor([[-4.0, 0.5, 0.0]])},
    ]
    ranges = channel_ranges(graph_of(nodes, weights), probes)
    assert list(ranges) == ["double"]
    assert ranges["double"].least.tolist() == [-8, -10, 0]
    assert ranges["double"].largest.tolist() == [4, 6, 0]
    assert ranges["double"].mean.tolist() == pytest.approx([-2 / 3, -1, 0])
    assert ranges["double"].peaks.tolist() == [8, 10, 0]


def test_a_graph_without_products_has_no_ranges() -> None:
    model = graph_of([helper.make_node("Relu", ["x"], ["y"])], {})
    assert channel_ranges(model, []) == {}
