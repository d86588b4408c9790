import torch
from torch import Tensor

from keci.model.fusion import Fused, Fusion
from tests.tiny import CONFIG


def fuse(*, kept: list[int], spans: int, candidates: list[tuple[int, int]], nodes: int) -> Fused:
    torch.manual_seed(2)
    fusion = Fusion(CONFIG).eval()
    fused: Fused = fusion(
        torch.randn(len(kept), CONFIG.span_width),
        torch.randn(nodes, CONFIG.span_width),
        integers(kept),
        torch.tensor([0, spans]),
        integers([span for span, _ in candidates]),
        integers([node for _, node in candidates]),
    )
    return fused


def integers(values: list[int]) -> Tensor:
    return torch.tensor(values, dtype=torch.int64)


def test_the_shares_of_a_span_sum_to_one() -> None:
    candidates = [(1, 0), (1, 1), (1, 2), (4, 2)]
    fused = fuse(kept=[1, 2, 4], spans=6, candidates=candidates, nodes=3)
    first = fused.context_weights[0] + fused.candidate_weights[:3].sum()
    last = fused.context_weights[2] + fused.candidate_weights[3]
    torch.testing.assert_close(first, torch.ones(()))
    torch.testing.assert_close(last, torch.ones(()))


def test_a_span_without_candidates_is_its_sentinel() -> None:
    fused = fuse(kept=[0, 3], spans=4, candidates=[(3, 0)], nodes=1)
    assert fused.context_weights[0] == 1


def test_candidates_of_pruned_spans_weigh_nothing() -> None:
    fused = fuse(kept=[3], spans=4, candidates=[(0, 0), (3, 0), (3, 1)], nodes=2)
    assert fused.candidate_weights[0] == 0
    assert (fused.candidate_weights[1:] > 0).all()


def test_nothing_kept_is_nothing_fused() -> None:
    fused = fuse(kept=[], spans=2, candidates=[(1, 0)], nodes=1)
    assert fused.fused_states.shape == (0, CONFIG.span_width)
    assert fused.candidate_weights.tolist() == [0.0]
