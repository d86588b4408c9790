from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from benchmarks.reference import Reference
from keci.config import ModelConfig, TrainConfig
from keci.model.network import SpanNetwork
from keci.stages import run_stages
from keci.training.loss import total_loss
from tests.keci.model.graphs import (
    ENCODER_WIDTH,
    DocumentGraph,
    Shape,
    ragged,
    ragged_targets,
    random_document,
)
from tests.keci.model.plain_loss import plain_loss
from tests.tiny import (
    CONFIG,
    SCHEMA,
    documents,
    knowledge_config,
    tiny_builder,
    tiny_knowledge_base,
)

FULL = Shape(tokens=7, nodes=4, edges=9, candidates=6)
BATCHES = {
    "one": [FULL],
    "several": [FULL, Shape(12, 6, 20, 9), Shape(3, 2, 1, 1)],
    "more than one block of starts": [Shape(19, 3, 4, 5), Shape(17, 2, 2, 3), FULL],
    "repeated": [FULL, FULL, FULL],
    "one span": [Shape(1, 2, 2, 1), FULL],
    "only one span": [Shape(1)],
    "no spans": [FULL, Shape(5, span_share=0.0), FULL],
    "no tokens": [Shape(0), FULL, Shape(0)],
    "nothing": [Shape(0), Shape(4, span_share=0.0)],
    "no candidates": [Shape(6, nodes=3, edges=3), FULL],
    "no nodes": [Shape(6), Shape(4)],
    "no edges": [Shape(6, nodes=3, candidates=4)],
}
CONFIGS = {
    "fused": CONFIG,
    "fused+span": replace(CONFIG, final_inputs="fused+span"),
    "flat attention": replace(CONFIG, span_gcn_layers=0, concept_gcn_layers=0),
    "context, names and reach": replace(CONFIG, pair_context=3, name_kinds=True, pair_reach=1),
    "two hidden layers": replace(CONFIG, hidden_layers=2),
    "messages of the related": replace(CONFIG, none_messages=False),
    "three layers": replace(CONFIG, span_gcn_layers=3, concept_gcn_layers=3, keep_ratio=1.0),
}
COUNTED_FROM = {
    "kept_spans": "span_splits",
    "pair_heads": "kept_splits",
    "pair_tails": "kept_splits",
}
"""Indices, and the splits that they are shifted by in a batch."""
OUTPUTS = (
    "entity_logits",
    "kept_states",
    "relation_logits",
    "graph_states",
    "concept_states",
    "fused_states",
    "candidate_weights",
    "context_weights",
    "final_entity_logits",
    "final_relation_logits",
)
SHAPES = st.builds(
    Shape,
    tokens=st.integers(0, 10),
    nodes=st.integers(0, 4),
    edges=st.integers(0, 8),
    candidates=st.integers(0, 6),
    span_share=st.sampled_from([0.0, 0.3, 1.0]),
)


def make_network(config: ModelConfig) -> SpanNetwork:
    torch.manual_seed(1)
    network = SpanNetwork(config, SCHEMA, encoder_width=ENCODER_WIDTH).eval()
    for name, parameter in network.named_parameters():
        if name.endswith(("positions.weight", "names.weight")):  # they start at zero
            torch.nn.init.normal_(parameter)
    return network


def make_documents(config: ModelConfig, shapes: Sequence[Shape]) -> list[DocumentGraph]:
    seeds = [99 if shape == FULL else number for number, shape in enumerate(shapes)]
    return [random_document(config, shape, seed) for shape, seed in zip(shapes, seeds, strict=True)]


def run(network: SpanNetwork, documents: Sequence[DocumentGraph]) -> dict[str, Tensor]:
    return run_stages(network.stages.values(), ragged(documents))


def assert_joined(
    name: str, tensors: Mapping[str, Tensor], results: Sequence[Mapping[str, Tensor]]
) -> None:
    """The batch holds what the documents have, one after the other."""
    expected = torch.cat([result[name] for result in results])
    torch.testing.assert_close(tensors[name], expected, rtol=1e-5, atol=1e-5)


def assert_equals_reference(config: ModelConfig, documents: Sequence[DocumentGraph]) -> None:
    network = make_network(config)
    with torch.no_grad():
        tensors = run(network, documents)
        results = [Reference(network)(ragged([document])) for document in documents]
    for name, splits in COUNTED_FROM.items():
        firsts = tensors[splits].tolist()
        numbers = [first + r[name] for first, r in zip(firsts, results, strict=False)]
        assert tensors[name].tolist() == torch.cat(numbers).tolist()
    for name in OUTPUTS:
        assert_joined(name, tensors, results)
    for relation_loss in ("binary", "softmax"):
        train = TrainConfig(relation_loss=relation_loss)
        loss = total_loss(tensors, ragged_targets(documents), train, with_relations=True)
        expected = plain_loss(results, documents, train)
        torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
@pytest.mark.parametrize("shapes", BATCHES.values(), ids=BATCHES.keys())
def test_the_ragged_model_equals_the_equations(config: ModelConfig, shapes: list[Shape]) -> None:
    assert_equals_reference(config, make_documents(config, shapes))


@settings(max_examples=25, deadline=None)
@given(shapes=st.lists(SHAPES, min_size=1, max_size=4), seed=st.integers(0, 1 << 30))
def test_the_ragged_model_equals_the_equations_on_random_batches(
    shapes: list[Shape], seed: int
) -> None:
    documents = [
        random_document(CONFIG, shape, seed + number) for number, shape in enumerate(shapes)
    ]
    assert_equals_reference(CONFIG, documents)


@pytest.mark.parametrize("shapes", BATCHES.values(), ids=BATCHES.keys())
def test_a_document_gets_the_same_scores_alone(shapes: list[Shape]) -> None:
    network, documents = make_network(CONFIG), make_documents(CONFIG, shapes)
    together = run(network, documents)
    alone = [run(network, [document]) for document in documents]
    for name in ("span_hidden", *OUTPUTS):
        assert_joined(name, together, alone)


@pytest.mark.parametrize("final_inputs", ["fused", "fused+span"])
@pytest.mark.parametrize("relation_loss", ["binary", "softmax"])
def test_gradients_reach_every_parameter(final_inputs: str, relation_loss: str) -> None:
    config = replace(CONFIG, final_inputs=final_inputs)
    network = make_network(config)
    documents = [random_document(config, Shape(12, 8, 60, 30), seed) for seed in range(3)]
    tensors = run(network, documents)
    train = TrainConfig(relation_loss=relation_loss)
    total_loss(tensors, ragged_targets(documents), train, with_relations=True).backward()
    without_effect = {"stages.span_scorer.attention.bias", "stages.fusion.score.2.bias"}
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert name in without_effect or parameter.grad.any(), name


def test_a_model_without_knowledge_ends_with_the_initial_span_graph() -> None:
    config = replace(CONFIG, knowledge="none")
    tensors = run(make_network(config), make_documents(config, BATCHES["several"]))
    assert "relation_logits" in tensors
    assert "graph_states" not in tensors
    assert "final_entity_logits" not in tensors


def test_gradients_are_finite_where_documents_are_empty() -> None:
    network = make_network(CONFIG)
    documents = make_documents(CONFIG, [Shape(0), FULL, Shape(1), Shape(4, span_share=0.0)])
    tensors = run(network, documents)
    loss = total_loss(tensors, ragged_targets(documents), TrainConfig(), with_relations=True)
    loss.backward()
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    assert all(bool(gradient.isfinite().all()) for gradient in gradients)


@pytest.mark.parametrize("knowledge", ["fusion", "tokens"])
def test_the_whole_network_is_one_fold_and_trains_throughout(knowledge: str) -> None:
    pytest.importorskip("transformers")
    from tests.tiny_network import tiny_network

    base = tiny_knowledge_base()
    config = replace(knowledge_config(CONFIG, base), knowledge=knowledge)
    network = tiny_network(config)
    builder = tiny_builder(config, base)
    batch = builder.build(builder.prepare(documents("rash after abc", "", "pain with abc")))
    given = {name: torch.from_numpy(array) for name, array in batch.arrays.items()}
    tensors = network(given)
    folded = run_stages(network.ordered_stages(), given)
    assert tensors.keys() == folded.keys()
    assert all(torch.equal(tensors[name], folded[name]) for name in tensors)
    sum(tensors[name].float().square().sum() for name in tensors.keys() - given.keys()).backward()
    idle = {name for name, parameter in network.named_parameters() if parameter.grad is None}
    assert {name for name in idle if ".pooler." not in name} == set()


def test_encoder_and_scorers_run_in_lower_precision() -> None:
    pytest.importorskip("transformers")
    from tests.tiny_network import tiny_network

    network = tiny_network(replace(CONFIG, knowledge="none"))
    builder = tiny_builder(replace(CONFIG, knowledge="none"), None)
    batch = builder.build(builder.prepare(documents("rash after abc")))
    given = {name: torch.from_numpy(array) for name, array in batch.arrays.items()}
    with torch.no_grad():
        usual = network(given)
        lower = network(given, autocast=torch.autocast("cpu", dtype=torch.bfloat16))
    assert {t.dtype for t in lower.values() if t.is_floating_point()} == {torch.float32}
    for name in ("token_states", "span_hidden", "relation_logits"):
        assert not torch.equal(lower[name], usual[name])
    torch.testing.assert_close(lower["token_states"], usual["token_states"], rtol=0.1, atol=0.1)


@pytest.mark.parametrize("knowledge", ["fusion", "none"])
def test_the_odds_of_relations_are_multiplied_and_nothing_else(knowledge: str) -> None:
    pytest.importorskip("transformers")
    from tests.tiny_network import tiny_network

    config = replace(CONFIG, knowledge=knowledge, vector_spaces=(), vector_widths=())
    network, builder = tiny_network(config), tiny_builder(config, None)
    batch = builder.build(builder.prepare(documents("rash after abc")))
    given = {name: torch.from_numpy(array) for name, array in batch.arrays.items()}
    with torch.no_grad():
        usual = network(given)
        network.spans.scale_relation_odds(3.0)
        scaled = network(given)
    name = "final_relation_logits" if knowledge == "fusion" else "relation_logits"
    odds, more = ((t[name][:, 1:] - t[name][:, :1]).exp() for t in (usual, scaled))
    torch.testing.assert_close(more, 3 * odds)
    for other in usual.keys() - {name}:
        torch.testing.assert_close(scaled[other], usual[other])
