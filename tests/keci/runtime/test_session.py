from pathlib import Path

import pytest
import torch

pytest.importorskip("onnxscript")

from keci.errors import BundleError, UsageError
from keci.runtime.session import OnnxStage


class Products(torch.nn.Module):
    def forward(self, left: torch.Tensor, right: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return left * 2, left.index_select(0, right)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graphs") / "products.onnx"
    rows, picked = torch.export.Dim("rows"), torch.export.Dim("picked")
    torch.onnx.export(
        Products().eval(),
        (torch.ones(3, 2), torch.tensor([0, 2])),
        path,
        dynamo=True,
        opset_version=23,
        external_data=False,
        input_names=["left", "right"],
        output_names=["doubled", "chosen"],
        dynamic_shapes={"left": {0: rows}, "right": {0: picked}},
    )
    return path


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_a_graph_runs_on_torch_tensors(graph: Path, rows: int) -> None:
    stage = OnnxStage(graph, device="cpu", threads=1)
    left = torch.arange(2.0 * rows).view(rows, 2)
    right = torch.arange(rows).flip(0)
    outputs = stage.run({"left": left, "right": right, "unused": left})
    assert set(outputs) == {"doubled", "chosen"}
    torch.testing.assert_close(outputs["doubled"], left * 2)
    torch.testing.assert_close(outputs["chosen"], left.flip(0))


def test_views_that_are_not_contiguous_are_read_right(graph: Path) -> None:
    left = torch.arange(8.0).view(2, 4).T
    outputs = OnnxStage(graph, device="cpu").run({"left": left, "right": torch.tensor([3])})
    torch.testing.assert_close(outputs["chosen"], left[3:])


def test_outputs_outlive_their_stage_and_the_next_run(graph: Path) -> None:
    stage = OnnxStage(graph, device="cpu")
    zeros, ones = torch.zeros(4, 2), torch.ones(4, 2)
    first = stage.run({"left": ones, "right": torch.tensor([0])})["doubled"]
    stage.run({"left": zeros, "right": torch.tensor([0])})
    del stage
    torch.testing.assert_close(first, ones * 2)


def test_a_damaged_graph_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "encoder.onnx"
    path.write_bytes(b"no graph")
    with pytest.raises(BundleError, match="cannot load"):
        OnnxStage(path, device="cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.parametrize(
    ("device", "provider"), [("cuda", "CUDAExecution"), ("tensorrt", "TensorrtExecution")]
)
def test_a_device_that_is_absent_is_refused(graph: Path, device: str, provider: str) -> None:
    with pytest.raises(UsageError, match=provider):
        OnnxStage(graph, device=device)
