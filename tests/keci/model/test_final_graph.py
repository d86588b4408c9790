from dataclasses import replace

import pytest
import torch

from keci.model.final_graph import FinalPairScorer, FinalSpanScorer
from tests.tiny import CONFIG


@pytest.mark.parametrize(("final_inputs", "reads"), [("fused", False), ("fused+span", True)])
def test_final_scores_read_span_states_only_where_configured(
    final_inputs: str, reads: bool
) -> None:
    torch.manual_seed(6)
    config = replace(CONFIG, final_inputs=final_inputs)
    spans = FinalSpanScorer(config, entity_labels=3).eval()
    pairs = FinalPairScorer(config, relation_labels=4).eval()
    fused, heads, tails = torch.randn(2, 8), torch.tensor([0, 1]), torch.tensor([1, 0])
    without, others = torch.zeros(2, 8), torch.ones(2, 8)
    entities = [spans(fused, graph).final_entity_logits for graph in (without, others)]
    relations = [
        pairs(fused, graph, heads, tails).final_relation_logits for graph in (without, others)
    ]
    assert entities[0].shape == (2, 3)
    assert relations[0].shape == (2, 4)
    assert torch.equal(*entities) is not reads
    assert torch.equal(*relations) is not reads
