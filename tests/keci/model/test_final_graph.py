from dataclasses import replace

import pytest
import torch

from keci.model.final_graph import FinalScorer
from tests.tiny import CONFIG


@pytest.mark.parametrize(("final_inputs", "reads"), [("fused", False), ("fused+span", True)])
def test_final_scores_read_span_states_only_where_configured(
    final_inputs: str, reads: bool
) -> None:
    torch.manual_seed(6)
    config = replace(CONFIG, final_inputs=final_inputs)
    scorer = FinalScorer(config, entity_labels=3, relation_labels=4).eval()
    fused, heads, tails = torch.randn(2, 8), torch.tensor([0, 1]), torch.tensor([1, 0])
    scores = scorer(fused, torch.zeros(2, 8), heads, tails)
    others = scorer(fused, torch.ones(2, 8), heads, tails)
    assert scores.final_entity_logits.shape == (2, 3)
    assert scores.final_relation_logits.shape == (2, 4)
    assert torch.equal(scores.final_entity_logits, others.final_entity_logits) is not reads
    assert torch.equal(scores.final_relation_logits, others.final_relation_logits) is not reads
