from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper

from keci.export.precision import PRECISIONS, convert
from tests.export.graph_of import graph_of, run

NUMBERS = np.random.default_rng(2)
X = NUMBERS.standard_normal((6, 70), np.float32)
COLUMN_SIZES = np.geomspace(0.01, 10, 80, dtype=np.float32)
WEIGHT = NUMBERS.standard_normal((70, 80), np.float32) * COLUMN_SIZES
BOUND = {"fp32": 0, "w8": 0.02, "int8": 0.02, "fp16": 1e-3}


def converted(precision: str, tmp_path: Path) -> tuple[Path, Path]:
    source, target = tmp_path / "source.onnx", tmp_path / "target.onnx"
    onnx.save(graph_of([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": WEIGHT}), source)
    convert(source, target, precision, probes=[{"x": torch.from_numpy(X)}])
    return source, target


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_precision_stays_close_to_fp32(precision: str, tmp_path: Path) -> None:
    source, target = converted(precision, tmp_path)
    expected, found = (run(onnx.load(path), X) for path in (source, target))
    errors = np.abs(found - expected).max(axis=0) / np.abs(expected).max(axis=0)
    assert np.median(errors) <= BOUND[precision]


@pytest.mark.parametrize("precision", ["w8", "int8"])
def test_eight_bits_take_a_quarter_of_the_room(precision: str, tmp_path: Path) -> None:
    source, target = converted(precision, tmp_path)
    assert target.stat().st_size < 0.35 * source.stat().st_size


@pytest.mark.parametrize("precision", PRECISIONS)
def test_inputs_and_outputs_keep_their_types(precision: str, tmp_path: Path) -> None:
    _, target = converted(precision, tmp_path)
    graph = onnx.load(target).graph
    types = [value.type.tensor_type.elem_type for value in (*graph.input, *graph.output)]
    assert types == [onnx.TensorProto.FLOAT] * 2


def test_a_large_table_stays_in_eight_bits_and_gives_the_numbers_of_a_widened_one() -> None:
    table = NUMBERS.standard_normal((16_384, 64), np.float32)
    ids = NUMBERS.integers(0, len(table), (4, 5))
    nodes = [
        helper.make_node("Cast", ["x"], ["ids"], to=onnx.TensorProto.INT64),
        helper.make_node("Gather", ["words", "ids"], ["y"], axis=0),
    ]
    stored = PRECISIONS["w8"](graph_of(nodes, {"words": table}), [])
    operators = [node.op_type for node in stored.graph.node]
    assert operators == ["Cast", "Gather", "Gather", "Cast", "Mul", "Mul"]
    parts = {item.name: numpy_helper.to_array(item) for item in stored.graph.initializer}
    integers, rows = parts["words.stored"], parts["words.rows"]
    widened = integers.astype(np.float32) * rows * parts["words.columns"]
    assert np.array_equal(run(stored, ids.astype(np.float32)), widened[ids])
    assert np.abs(widened - table).max() < 0.05


def test_a_large_weight_that_is_multiplied_too_is_widened_once() -> None:
    table = NUMBERS.standard_normal((16_384, 64), np.float32)
    nodes = [
        helper.make_node("Constant", [], ["first"], value_ints=[0]),
        helper.make_node("Gather", ["words", "first"], ["row"], axis=0),
        helper.make_node("MatMul", ["x", "words"], ["products"]),
        helper.make_node("Add", ["products", "row"], ["y"]),
    ]
    stored = PRECISIONS["w8"](graph_of(nodes, {"words": table}), [])
    assert [node.op_type for node in stored.graph.node][:3] == ["Cast", "Mul", "Mul"]
