from pathlib import Path

import pytest
import torch

pytest.importorskip("onnxscript")

from keci.export.graphs import export_stage
from keci.export.parity import TOLERANCE, ParityError, check_stage
from keci.model.span_graph import PairBuilder, PairScorer
from keci.stages import TENSORS
from tests.tiny import CONFIG


@pytest.fixture
def scorer() -> PairScorer:
    torch.manual_seed(3)
    return PairScorer(CONFIG, span_width=CONFIG.span_width, relation_labels=3).eval()


def pairs(kept: int) -> dict[str, torch.Tensor]:
    states = torch.randn(kept, CONFIG.span_width)
    return {"kept_states": states, **PairBuilder().run({"kept_splits": torch.tensor([0, kept])})}


def test_exported_graph_agrees_on_other_sizes(scorer: PairScorer, tmp_path: Path) -> None:
    path = tmp_path / "pair_scorer.onnx"
    export_stage(scorer, pairs(5), path)
    worst = check_stage(scorer, path, [pairs(2), pairs(1), pairs(9)], precision="fp32")
    assert worst <= TOLERANCE["fp32"]


def test_changed_weights_are_noticed(scorer: PairScorer, tmp_path: Path) -> None:
    path = tmp_path / "pair_scorer.onnx"
    export_stage(scorer, pairs(5), path)
    with torch.no_grad():
        scorer.output[-1].bias[1] += 0.01
    with pytest.raises(ParityError, match="differs from torch by"):
        check_stage(scorer, path, [pairs(4)], precision="fp32")


def test_a_frozen_axis_is_noticed(scorer: PairScorer, tmp_path: Path) -> None:
    path = tmp_path / "pair_scorer.onnx"
    inputs = pairs(5)
    torch.onnx.export(
        scorer,
        tuple(inputs[name] for name in scorer.input_names),
        str(path),
        input_names=list(scorer.input_names),
        output_names=list(scorer.output_names),
        opset_version=23,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    with pytest.raises(ParityError, match="axis kept of kept_states should be free"):
        check_stage(scorer, path, [inputs], precision="fp32")


def test_every_tensor_of_a_stage_is_in_the_table(scorer: PairScorer) -> None:
    assert {*scorer.input_names, *scorer.output_names} <= TENSORS.keys()
