import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from keci.export.graphs import keep_heads_in_rows
from tests.export.graph_of import Array

HEADS, WIDTH = 3, 12


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def attention_graph(permutation: tuple[int, ...] = (0, 2, 1, 3)) -> onnx.ModelProto:
    """Attention from "q", "k", "v" (rows, columns, WIDTH) to "y", its heads split and joined."""
    nodes = []
    for name in "qkv":
        nodes.append(helper.make_node("Reshape", [name, "split"], [f"{name}.split"]))
        nodes.append(
            helper.make_node("Transpose", [f"{name}.split"], [f"{name}.heads"], perm=permutation)
        )
    nodes.append(helper.make_node("Attention", [f"{name}.heads" for name in "qkv"], ["attended"]))
    nodes.append(helper.make_node("Transpose", ["attended"], ["ordered"], perm=(0, 2, 1, 3)))
    nodes.append(helper.make_node("Reshape", ["ordered", "joined"], ["y"]))
    shape = ["rows", "columns", WIDTH]
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "test",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "qkv"],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
            [
                numpy_helper.from_array(np.array([0, 0, HEADS, WIDTH // HEADS]), "split"),
                numpy_helper.from_array(np.array([0, 0, WIDTH]), "joined"),
            ],
        ),
        opset_imports=[helper.make_opsetid("", 23)],
        ir_version=11,
    )
    return onnx.shape_inference.infer_shapes(model)


def run(model: onnx.ModelProto, inputs: dict[str, Array]) -> Array:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = session.run(None, inputs)
    return np.asarray(y)


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (7, 3)])
def test_attention_finds_its_heads_in_rows(size: tuple[int, int]) -> None:
    random = np.random.default_rng(3)
    inputs = {name: random.normal(size=(*size, WIDTH)).astype(np.float32) for name in "qkv"}
    model = attention_graph()
    expected = run(model, inputs)
    keep_heads_in_rows(model)
    assert operators(model) == ["Attention"]
    np.testing.assert_allclose(run(model, inputs), expected, rtol=1e-6, atol=1e-6)


def test_other_layouts_are_left_alone() -> None:
    model = attention_graph(permutation=(0, 2, 1, 3))
    model.graph.node.insert(6, helper.make_node("Relu", ["q.heads"], ["q.positive"]))
    model.graph.node[7].input[0] = "q.positive"
    before = operators(model)
    keep_heads_in_rows(model)
    assert operators(model) == before


def test_the_number_of_heads_must_be_known() -> None:
    model = attention_graph()
    del model.graph.value_info[:]
    before = operators(model)
    keep_heads_in_rows(model)
    assert operators(model) == before
