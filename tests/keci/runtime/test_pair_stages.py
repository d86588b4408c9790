from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from keci.config import ModelConfig
from keci.model.final_graph import FinalPairScorer
from keci.model.span_graph import PairBuilder, PairScorer
from keci.runtime.pair_stages import BlockwiseStage
from keci.stages import TorchStage

CONFIG = ModelConfig(span_width=6, hidden_width=5, final_inputs="fused+span")


class Counted(TorchStage):
    """Remembers how many pairs it was given at once."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def forward(self, pair_heads: Tensor) -> "Echo":
        self.seen.append(len(pair_heads))
        return Echo(pair_heads)


class Echo(NamedTuple):
    pair_tails: Tensor


def pairs(kept: int) -> dict[str, Tensor]:
    torch.manual_seed(kept)
    states = {name: torch.randn(kept, 6) for name in ("kept_states", "fused_states")}
    states["graph_states"] = torch.randn(kept, 6)
    return {**states, **PairBuilder().run({"kept_splits": torch.tensor([0, kept])})}


@pytest.mark.parametrize("size", [2, 6, 64, 1000])
@torch.inference_mode()
def test_blocks_give_what_the_whole_gives(size: int) -> None:
    given = pairs(8)
    for stage in (
        PairScorer(CONFIG, span_width=6, relation_labels=3).eval(),
        FinalPairScorer(CONFIG, relation_labels=3).eval(),
    ):
        whole, parts = stage.run(given), BlockwiseStage(stage, "pairs", size).run(given)
        assert list(parts) == list(whole)
        for name, output in parts.items():
            torch.testing.assert_close(output, whole[name])


def test_no_block_is_longer_than_asked() -> None:
    counted = Counted()
    heads = pairs(5)["pair_heads"]
    outputs = BlockwiseStage(counted, "pairs", 8).run({"pair_heads": heads})
    assert counted.seen == [8, 8, 4]
    assert torch.equal(outputs["pair_tails"], heads)


def test_no_pairs_at_all_are_one_empty_block() -> None:
    counted = Counted()
    outputs = BlockwiseStage(counted, "pairs", 10).run({"pair_heads": torch.zeros(0, dtype=int)})
    assert counted.seen == [0]
    assert outputs["pair_tails"].shape == (0,)
