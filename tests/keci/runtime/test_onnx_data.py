"""External data, wherever in a graph a tensor can be."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keci.errors import BundleError
from keci.runtime.bundle import external_locations

onnx = pytest.importorskip("onnx")
helper = onnx.helper


def external(location: str) -> "onnx.TensorProto":
    tensor = onnx.TensorProto(name=location, data_type=1, dims=[2])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="offset", value="0")
    tensor.external_data.add(key="location", value=location)
    return tensor


def constant(location: str) -> "onnx.NodeProto":
    return helper.make_node("Constant", [], [location], value=external(location))


@pytest.fixture(scope="module")
def model() -> "onnx.ModelProto":
    """External data as a weight, in a sparse weight, an attribute, a branch, a function."""
    branch = helper.make_graph([constant("branch")], "inner", [], [])
    sparse = onnx.SparseTensorProto(values=external("sparse"), dims=[2])
    graph = helper.make_graph(
        [
            constant("attribute"),
            helper.make_node("If", ["c"], ["d"], then_branch=branch, else_branch=branch),
            helper.make_node("Custom", [], ["e"], many=[external("one"), external("two")]),
        ],
        "outer", [], [],
        initializer=[external("weight"), onnx.TensorProto(name="inside", raw_data=b"x" * 99)],
        sparse_initializer=[sparse],
    )  # fmt: skip
    function = helper.make_function(
        "own", "f", [], ["function"], [constant("function")], [helper.make_opsetid("", 21)]
    )
    return helper.make_model(graph, functions=[function])


def test_external_data_is_found_everywhere(model: "onnx.ModelProto", tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(model.SerializeToString())
    assert external_locations(path) == {
        "attribute", "branch", "one", "two", "weight", "sparse", "function",
    }  # fmt: skip


def test_a_graph_of_its_own_has_none(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    weight = onnx.TensorProto(name="w", raw_data=b"location")
    model = helper.make_model(helper.make_graph([], "g", [], [], initializer=[weight]))
    path.write_bytes(model.SerializeToString())
    assert external_locations(path) == frozenset()


def test_data_without_a_place_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    weight = onnx.TensorProto(name="w", data_location=onnx.TensorProto.EXTERNAL)
    model = helper.make_model(helper.make_graph([], "g", [], [], initializer=[weight]))
    path.write_bytes(model.SerializeToString())
    assert external_locations(path) == {""}


@pytest.mark.parametrize("content", [b"", b"\x3a", b"\x3a\xff\x01", b"\xff" * 20, b"\x0b", b"\x3b"])
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(content)
    with pytest.raises(BundleError, match="no ONNX graph"):
        external_locations(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_damaged_graphs_are_read_or_refused(
    model: "onnx.ModelProto", tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(model.SerializeToString())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "a.onnx"
    path.write_bytes(content)
    try:
        assert all(isinstance(name, str) for name in external_locations(path))
    except BundleError:
        return


@pytest.mark.parametrize("operator", ["Loop", "Scan"])
def test_a_graph_with_a_loop_is_refused(tmp_path: Path, operator: str) -> None:
    inner = helper.make_graph([helper.make_node(operator, ["a"], ["b"])], "inner", [], [])
    branch = helper.make_node("If", ["c"], ["d"], then_branch=inner, else_branch=inner)
    path = tmp_path / "x.onnx"
    path.write_bytes(
        helper.make_model(helper.make_graph([branch], "g", [], [])).SerializeToString()
    )
    with pytest.raises(BundleError, match=f"it has a {operator}, which may never end"):
        external_locations(path)
