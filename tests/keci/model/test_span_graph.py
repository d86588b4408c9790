from dataclasses import replace
from itertools import combinations
from math import ceil

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from keci.model.span_graph import (
    NearPairBuilder,
    PairBuilder,
    Pruner,
    Pruning,
    SpanScorer,
    SpanScores,
)
from tests.keci.model.graphs import ENCODER_WIDTH, Shape, ragged, random_document
from tests.tiny import CONFIG

COUNTS = st.lists(st.integers(0, 5), min_size=1, max_size=5)


def splits(counts: list[int]) -> Tensor:
    return torch.tensor([0, *torch.tensor(counts).cumsum(0).tolist()])


def prune(scores: list[list[float]], tokens: list[int], *, keep_ratio: float = 0.5) -> Pruning:
    """Prune spans given by their non-entity logits, per document."""
    flat = [score for row in scores for score in row]
    logits = torch.tensor([[score, 0.0] for score in flat]).reshape(-1, 2)
    hidden = torch.arange(len(flat)).float()[:, None]
    pruner = Pruner(replace(CONFIG, keep_ratio=keep_ratio))
    pruner.span_output = torch.nn.Identity()
    pruned: Pruning = pruner(hidden, logits, splits([len(row) for row in scores]), splits(tokens))
    return pruned


def test_half_as_many_spans_as_tokens_are_kept_rounded_up() -> None:
    assert prune([[3.0, 1.0, 2.0, 0.0]], [3]).kept_spans.tolist() == [1, 3]


def test_never_more_spans_are_kept_than_there_are() -> None:
    assert prune([[1.0], [2.0, 1.0]], [8, 8]).kept_spans.tolist() == [0, 1, 2]


def test_ties_go_to_the_earlier_span() -> None:
    assert prune([[1.0, 0.0, 1.0, 1.0]], [6]).kept_spans.tolist() == [0, 1, 2]
    assert prune([[1.0] * 6, [2.0] * 6], [4, 2]).kept_spans.tolist() == [0, 1, 6]


def test_documents_do_not_compete() -> None:
    pruned = prune([[9.0, 9.0], [0.0, 0.0, 0.0]], [2, 2])
    assert pruned.kept_spans.tolist() == [0, 2]
    assert pruned.kept_splits.tolist() == [0, 1, 2]
    assert pruned.kept_states.tolist() == [[0.0], [2.0]]


def test_documents_without_spans_keep_none() -> None:
    pruned = prune([[], [1.0], []], [4, 1, 0])
    assert pruned.kept_spans.tolist() == [0]
    assert pruned.kept_splits.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(("tokens", "ratio", "kept"), [(10, 0.3, 3), (9, 0.7, 7), (30, 0.1, 3)])
def test_the_limit_is_not_raised_by_rounding(tokens: int, ratio: float, kept: int) -> None:
    assert len(prune([[0.0] * 40], [tokens], keep_ratio=ratio).kept_spans) == kept


@given(
    scores=st.lists(st.lists(st.integers(-3, 3).map(float), max_size=8), min_size=1, max_size=4),
    tokens=st.lists(st.integers(0, 9), min_size=4, max_size=4),
)
def test_pruning_is_a_stable_sort_of_each_document(
    scores: list[list[float]], tokens: list[int]
) -> None:
    pruned = prune(scores, tokens[: len(scores)])
    expected, first = [], 0
    for row, count in zip(scores, tokens, strict=False):
        ranked = sorted(range(len(row)), key=lambda place: row[place])
        expected += [first + place for place in sorted(ranked[: ceil(count / 2)])]
        first += len(row)
    assert pruned.kept_spans.tolist() == expected
    assert pruned.kept_splits[-1] == len(expected)


@given(COUNTS)
def test_pairs_are_those_of_each_document_in_both_directions(counts: list[int]) -> None:
    pairs = PairBuilder()(splits(counts))
    expected, first = [], 0
    for count in counts:
        for pair in combinations(range(first, first + count), 2):
            expected += [pair, pair[::-1]]
        first += count
    assert list(zip(pairs.pair_heads.tolist(), pairs.pair_tails.tolist(), strict=True)) == expected


@given(st.lists(st.lists(st.integers(0, 4), max_size=5), min_size=1, max_size=4), st.integers(0, 4))
def test_near_pairs_are_those_within_reach(sentences: list[list[int]], reach: int) -> None:
    counts = [len(row) for row in sentences]
    of_span = torch.tensor([sentence for row in sentences for sentence in row], dtype=torch.int64)
    kept = torch.arange(len(of_span))
    every, near = (
        list(zip(pairs.pair_heads.tolist(), pairs.pair_tails.tolist(), strict=True))
        for pairs in (
            PairBuilder()(splits(counts)),
            NearPairBuilder(reach)(splits(counts), kept, of_span),
        )
    )
    assert near == [(i, j) for i, j in every if abs(int(of_span[i] - of_span[j])) <= reach]


def span_scorer() -> SpanScorer:
    return SpanScorer(
        CONFIG,
        encoder_width=ENCODER_WIDTH,
        entity_labels=3,
        span_output=Pruner(CONFIG).span_output,
    ).eval()


def test_span_states_do_not_depend_on_the_place_in_the_batch() -> None:
    torch.manual_seed(3)
    scorer = span_scorer()
    document = random_document(CONFIG, Shape(7), seed=4)
    batch = ragged([document] * 5)
    scores = SpanScores(**scorer.run(batch))
    first, *others = scores.span_hidden.split(len(document.spans))
    for other in others:
        torch.testing.assert_close(other, first, rtol=1e-5, atol=1e-6)


def test_a_word_of_extreme_attention_gives_finite_states() -> None:
    torch.manual_seed(3)
    scorer = span_scorer()
    batch = ragged([random_document(CONFIG, Shape(7), seed=4)])
    states = batch["token_states"].clone()
    states[3] *= 1e4
    scores = SpanScores(**scorer.run({**batch, "token_states": states}))
    assert scores.span_hidden.isfinite().all()
