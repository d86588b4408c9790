from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

pytest.importorskip("onnxscript")

from keci.errors import BundleError
from keci.export.normalised import ChannelRange
from keci.export.precision import PRECISIONS
from keci.export.quantisation import multiplied_activations, quantise_products
from keci.model.widened_graphs import widen, widened
from tests.export.graph_of import Array, graph_of, run

WIDTH, COLUMNS = 33, 24
NUMBERS = np.random.default_rng(8)
WEIGHT = NUMBERS.standard_normal((WIDTH, COLUMNS), np.float32)
BIAS = NUMBERS.standard_normal(COLUMNS, np.float32)
GAIN = NUMBERS.standard_normal(WIDTH, np.float32)
DEAD = np.where(np.arange(WIDTH) == 4, 0, GAIN).astype(np.float32)
ROWS = NUMBERS.standard_normal((40, WIDTH), np.float32)

GRAPHS: Mapping[str, tuple[list[onnx.NodeProto], dict[str, Array]]] = {
    "plain": ([helper.make_node("MatMul", ["x", "w"], ["y"])], {}),
    "gemm": ([helper.make_node("Gemm", ["x", "w", "b"], ["y"])], {"b": BIAS}),
    "two of the same": (
        [
            helper.make_node("MatMul", ["x", "w"], ["one"]),
            helper.make_node("MatMul", ["x", "w"], ["other"]),
            helper.make_node("Add", ["one", "other"], ["y"]),
        ],
        {},
    ),
    "relu": (
        [
            helper.make_node("Relu", ["x"], ["active"]),
            helper.make_node("MatMul", ["active", "w"], ["product"]),
            helper.make_node("Add", ["b", "product"], ["y"]),
        ],
        {"b": BIAS},
    ),
    "layer norm": (
        [
            helper.make_node("LayerNormalization", ["x", "g", "h"], ["n"]),
            helper.make_node("MatMul", ["n", "w"], ["product"]),
            helper.make_node("Add", ["product", "b"], ["y"]),
        ],
        {"g": GAIN, "h": NUMBERS.standard_normal(WIDTH, np.float32), "b": BIAS},
    ),
    "layer norm without bias": (
        [
            helper.make_node("LayerNormalization", ["x", "g"], ["n"]),
            helper.make_node("MatMul", ["n", "w"], ["y"]),
        ],
        {"g": GAIN},
    ),
    "layer norm with a dead channel": (
        [
            helper.make_node("LayerNormalization", ["x", "g"], ["n"]),
            helper.make_node("MatMul", ["n", "w"], ["y"]),
        ],
        {"g": DEAD},
    ),
}


def ranges(model: onnx.ModelProto, rows: Array) -> dict[str, ChannelRange]:
    """Those that the activations of a graph take for these rows."""
    found = {}
    for name in multiplied_activations(model):
        seen = rows
        if name != "x":
            part = onnx.ModelProto()
            part.CopyFrom(model)
            del part.graph.output[:]
            part.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
            seen = run(part, rows)
        found[name] = ChannelRange(seen.min(axis=0), seen.max(axis=0), seen.mean(axis=0))
    return found


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize("peak", [1, 400])
@pytest.mark.parametrize("name", GRAPHS)
def test_a_widened_graph_is_the_one_that_was_quantised(name: str, peak: float) -> None:
    nodes, weights = GRAPHS[name]
    rows = ROWS.copy()
    rows[:, 7] *= peak
    weight = WEIGHT.copy()
    weight[7] /= peak
    model = graph_of(nodes, {"w": weight, **weights})
    quantised = onnx.ModelProto()
    quantised.CopyFrom(model)
    quantise_products(quantised, ranges(model, rows))
    expected, rounded = run(model, rows), run(quantised, rows)
    widen(quantised)
    found = run(quantised, rows)
    assert not {"MatMulIntegerToFloat", "QuantizeLinear"} & set(operators(quantised))
    assert [opset.domain for opset in quantised.opset_import] == [""]
    size = np.linalg.norm(expected)
    assert np.linalg.norm(found - expected) < np.linalg.norm(rounded - expected) < 0.03 * size


def test_stored_weights_are_the_numbers_that_the_graph_made_of_them() -> None:
    table = NUMBERS.standard_normal((16_384, 64), np.float32)
    nodes = [
        helper.make_node("Cast", ["x"], ["ids"], to=TensorProto.INT64),
        helper.make_node("Gather", ["words", "ids"], ["read"], axis=0),
        helper.make_node("MatMul", ["read", "w"], ["y"]),
    ]
    weight = NUMBERS.standard_normal((64, 70), np.float32)
    model = PRECISIONS["w8"](graph_of(nodes, {"words": table, "w": weight}), [])
    ids = NUMBERS.integers(0, len(table), (4, 5)).astype(np.float32)
    before = run(model, ids)
    widen(model)
    assert operators(model) == ["Cast", "Gather", "MatMul"]
    assert sorted(item.name for item in model.graph.initializer) == ["w", "words"]
    np.testing.assert_array_equal(run(model, ids), before)


def test_a_graph_in_float32_stays_as_it_is() -> None:
    nodes, weights = GRAPHS["layer norm"]
    model = graph_of(nodes, {"w": WEIGHT, **weights})
    before = [numpy_helper.to_array(item) for item in model.graph.initializer]
    widen(model)
    assert operators(model) == [node.op_type for node in nodes]
    for was, item in zip(before, model.graph.initializer, strict=True):
        np.testing.assert_array_equal(was, numpy_helper.to_array(item))


def test_a_damaged_graph_is_named(tmp_path: Path) -> None:
    path = tmp_path / "encoder.onnx"
    path.write_bytes(b"no graph")
    with pytest.raises(BundleError, match=r"encoder\.onnx cannot be widened"):
        widened(path)
