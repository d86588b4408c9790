import pytest
import torch
from torch import Tensor

from keci.config import ModelConfig
from keci.model.final_graph import FinalScorer
from keci.runtime.mention_pairs import MentionPairsStage

CONFIG = ModelConfig(span_width=6, hidden_width=5)


def scorer(none_bias: float) -> FinalScorer:
    torch.manual_seed(3)
    stage = FinalScorer(CONFIG, entity_labels=3, relation_labels=4).eval()
    with torch.no_grad():
        stage.classifier[-1].bias[0] += none_bias
    return stage


def inputs(kept: int) -> dict[str, Tensor]:
    torch.manual_seed(kept)
    off_diagonal = (~torch.eye(kept, dtype=torch.bool)).nonzero()
    return {
        "fused_states": torch.randn(kept, 6),
        "graph_states": torch.randn(kept, 6),
        "pair_heads": off_diagonal[:, 0],
        "pair_tails": off_diagonal[:, 1],
    }


@pytest.mark.parametrize("none_bias", [-9.0, 0.0, 0.3, 9.0])
@pytest.mark.parametrize("kept", [0, 1, 12])
@torch.inference_mode()
def test_pairs_of_mentions_have_their_scores_and_others_none(none_bias: float, kept: int) -> None:
    stage, given = scorer(none_bias), inputs(kept)
    whole, chosen = stage.run(given), MentionPairsStage(stage).run(given)
    assert set(chosen) == set(whole)
    torch.testing.assert_close(chosen["final_entity_logits"], whole["final_entity_logits"])
    is_mention = whole["final_entity_logits"].softmax(1)[:, 0] < 0.5
    both = is_mention[given["pair_heads"]] & is_mention[given["pair_tails"]]
    scores, expected = chosen["final_relation_logits"], whole["final_relation_logits"]
    assert scores.shape == expected.shape
    torch.testing.assert_close(scores[both], expected[both])
    assert bool((scores[~both].softmax(1)[:, 0] > 0.999).all()) or none_bias == 0.0


@torch.inference_mode()
def test_few_mentions_leave_few_pairs_to_score() -> None:
    class Counted(FinalScorer):
        scored = 0

        def run(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
            Counted.scored += len(tensors["pair_heads"])
            return super().run(tensors)

    torch.manual_seed(3)
    stage = Counted(CONFIG, entity_labels=3, relation_labels=4).eval()
    given = inputs(12)
    with torch.no_grad():
        logits = stage.run(given)["final_entity_logits"]
        margins = (logits[:, 1:].logsumexp(1) - logits[:, 0]).sort().values
        stage.classifier[-1].bias[0] += margins[-3:-1].mean()
    Counted.scored = 0
    MentionPairsStage(stage).run(given)
    assert Counted.scored == 2
