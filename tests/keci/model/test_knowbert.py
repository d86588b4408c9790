from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from benchmarks.reference import Reference
from keci.config import ModelConfig, TrainConfig
from keci.model.network import SpanNetwork
from keci.training.loss import total_loss
from tests.keci.model.graphs import (
    DocumentGraph,
    Shape,
    ragged,
    ragged_targets,
    random_document,
)
from tests.keci.model.test_network import (
    BATCHES,
    FULL,
    SHAPES,
    assert_joined,
    make_documents,
    make_network,
    run,
)
from tests.tiny import CONFIG

TOKENS = replace(CONFIG, knowledge="tokens", concept_gcn_layers=0, attention_heads=2)
CONFIGS = {
    "two heads": TOKENS,
    "one head": replace(TOKENS, attention_heads=1),
    "concept GCN": replace(TOKENS, concept_gcn_layers=2),
}
NAMES = ("token_states", "kept_states", "entity_logits", "relation_logits", "candidate_weights")


def assert_equals_reference(config: ModelConfig, documents: Sequence[DocumentGraph]) -> None:
    network = make_network(config)
    with torch.no_grad():
        tensors = run(network, documents)
        results = [Reference(network)(ragged([document])) for document in documents]
    for name in (*NAMES, "span_context_weights"):
        assert_joined(name, tensors, results)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
@pytest.mark.parametrize("shapes", BATCHES.values(), ids=BATCHES.keys())
def test_the_ragged_stage_equals_the_equations(config: ModelConfig, shapes: list[Shape]) -> None:
    assert_equals_reference(config, make_documents(config, shapes))


@settings(max_examples=25, deadline=None)
@given(shapes=st.lists(SHAPES, min_size=1, max_size=4), seed=st.integers(0, 1 << 30))
def test_the_ragged_stage_equals_the_equations_on_random_batches(
    shapes: list[Shape], seed: int
) -> None:
    documents = [
        random_document(TOKENS, shape, seed + number) for number, shape in enumerate(shapes)
    ]
    assert_equals_reference(TOKENS, documents)


@pytest.mark.parametrize("shapes", BATCHES.values(), ids=BATCHES.keys())
def test_a_document_gets_the_same_scores_alone(shapes: list[Shape]) -> None:
    network, documents = make_network(TOKENS), make_documents(TOKENS, shapes)
    together = run(network, documents)
    alone = [run(network, [document]) for document in documents]
    for name in NAMES:
        assert_joined(name, together, alone)


def test_shares_follow_their_candidates_whatever_the_order() -> None:
    network = make_network(TOKENS)
    given = ragged(make_documents(TOKENS, BATCHES["several"]))
    by_span = given["candidate_spans"].argsort(descending=True, stable=True)
    shuffled = given | {
        name: given[name][by_span] for name in ("candidate_spans", "candidate_nodes")
    }
    stage = network.stages["knowledge_attention"]
    concepts = network.stages["concept_gcn"].run(given)
    one, other = stage.run(given | concepts), stage.run(shuffled | concepts)
    torch.testing.assert_close(other["token_states"], one["token_states"])
    torch.testing.assert_close(other["candidate_weights"], one["candidate_weights"][by_span])


def test_only_documents_with_a_linked_span_are_enriched() -> None:
    documents = make_documents(TOKENS, [FULL, Shape(6, nodes=3), FULL])
    before = ragged(documents)
    tensors = run(make_network(TOKENS), documents)
    changed = (tensors["token_states"] != before["token_states"]).any(1)
    first, last = tensors["token_splits"][1:3].tolist()
    assert changed[:first].all()
    assert not changed[first:last].any()
    assert changed[last:].all()


def test_the_shares_of_a_span_sum_to_one() -> None:
    tensors = run(make_network(TOKENS), make_documents(TOKENS, BATCHES["several"]))
    totals = tensors["span_context_weights"].index_add(
        0, tensors["candidate_spans"], tensors["candidate_weights"]
    )
    torch.testing.assert_close(totals, torch.ones_like(totals))
    assert (tensors["span_context_weights"] < 1).any()


def test_training_and_extraction_compute_the_same() -> None:
    network, documents = make_network(TOKENS), make_documents(TOKENS, BATCHES["several"])
    with_gradients = run(network, documents)
    with torch.inference_mode():
        without = run(network, documents)
    for name in NAMES:
        torch.testing.assert_close(without[name], with_gradients[name], rtol=1e-5, atol=1e-5)


def loss_of(network: SpanNetwork, documents: Sequence[DocumentGraph]) -> Tensor:
    tensors = run(network, documents)
    return total_loss(tensors, ragged_targets(documents), TrainConfig(), with_relations=True)


def test_gradients_reach_every_parameter() -> None:
    network = make_network(TOKENS)
    documents = [random_document(TOKENS, Shape(12, 8, 60, 30), seed) for seed in range(3)]
    loss_of(network, documents).backward()
    without_effect = {
        "stages.span_scorer.attention.bias",
        "stages.knowledge_attention.concepts.score.3.bias",
    }
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert name in without_effect or parameter.grad.any(), name


@pytest.mark.parametrize("shapes", BATCHES.values(), ids=BATCHES.keys())
def test_gradients_are_finite_with_dropout_in_every_batch(shapes: list[Shape]) -> None:
    network = make_network(TOKENS).train()
    loss_of(network, make_documents(TOKENS, shapes)).backward()
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    assert all(bool(gradient.isfinite().all()) for gradient in gradients)
