import pytest
import torch
from torch import Tensor

from keci.config import ModelConfig
from keci.model.final_graph import FinalPairScorer
from keci.model.span_graph import PairBuilder
from keci.runtime.pair_stages import MentionPairsStage

CONFIG = ModelConfig(span_width=6, hidden_width=5)


def scorer() -> FinalPairScorer:
    torch.manual_seed(3)
    return FinalPairScorer(CONFIG, relation_labels=4).eval()


def inputs(kept: int, mentions: list[int]) -> dict[str, Tensor]:
    """Two documents of ``kept`` spans each, the ``mentions`` being such among all of these."""
    torch.manual_seed(kept)
    entities = torch.tensor([[4.0, 0.0, 0.0]]).repeat(2 * kept, 1)
    entities[mentions, 1] = 9.0
    return {
        "fused_states": torch.randn(2 * kept, 6),
        "graph_states": torch.randn(2 * kept, 6),
        **PairBuilder().run({"kept_splits": torch.tensor([0, kept, 2 * kept])}),
        "final_entity_logits": entities,
    }


@pytest.mark.parametrize(
    ("kept", "mentions"),
    [(0, []), (1, []), (1, [0, 1]), (6, []), (6, [4]), (6, [1, 3, 4, 11]), (6, list(range(12)))],
)
@torch.inference_mode()
def test_pairs_of_mentions_have_their_scores_and_others_none(
    kept: int, mentions: list[int]
) -> None:
    stage, given = scorer(), inputs(kept, mentions)
    expected = stage.run(given)["final_relation_logits"]
    scores = MentionPairsStage(stage).run(given)["final_relation_logits"]
    is_mention = torch.zeros(2 * kept, dtype=torch.bool)
    is_mention[mentions] = True
    both = is_mention[given["pair_heads"]] & is_mention[given["pair_tails"]]
    assert scores.shape == expected.shape
    torch.testing.assert_close(scores[both], expected[both])
    assert bool((scores[~both].softmax(1)[:, 0] > 0.999).all())


@torch.inference_mode()
def test_few_mentions_leave_little_to_read() -> None:
    class Counted(FinalPairScorer):
        def run(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
            self.seen = len(tensors["fused_states"]), len(tensors["pair_heads"])
            return super().run(tensors)

    stage = Counted(CONFIG, relation_labels=4).eval()
    MentionPairsStage(stage).run(inputs(12, [2, 7, 20]))
    assert stage.seen == (3, 2)


def test_it_asks_for_what_its_stage_reads_and_for_the_entities() -> None:
    names = MentionPairsStage(scorer()).input_names
    assert names == (
        "fused_states", "graph_states", "pair_heads", "pair_tails", "final_entity_logits",
    )  # fmt: skip
