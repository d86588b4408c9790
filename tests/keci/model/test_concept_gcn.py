import os
import sys
from dataclasses import replace
from types import ModuleType

import pytest
import torch

from keci.model.concept_gcn import ConceptGcn, Edges, RelationalLayer
from tests.tiny import CONFIG

WIDTH, RELATIONS = 5, 4


@pytest.fixture(scope="module")
def dgl() -> ModuleType:
    """DGL, whose wheels exist for Python below 3.12 alone."""
    os.environ["DGLBACKEND"] = "pytorch"
    if sys.version_info >= (3, 12):
        return pytest.importorskip("dgl")
    import dgl

    module: ModuleType = dgl
    return module


def sorted_edges(nodes: int, edges: int, seed: int) -> tuple[torch.Tensor, ...]:
    """Distinct random edges as heads, tails and relations, sorted by relation and tail."""
    torch.manual_seed(seed)
    numbers = torch.randperm(nodes * nodes * RELATIONS)[:edges].sort().values
    relations, pairs = numbers // (nodes * nodes), numbers % (nodes * nodes)
    return pairs % nodes, pairs // nodes, relations


def edges(heads: torch.Tensor, tails: torch.Tensor, relations: torch.Tensor, nodes: int) -> Edges:
    return Edges.of(heads, tails, relations, nodes=nodes, relations=RELATIONS)


def new_layer() -> RelationalLayer:
    torch.manual_seed(7)
    return RelationalLayer(WIDTH, RELATIONS, dropout=0.0).eval()


@pytest.mark.filterwarnings("ignore:The input graph for the user-defined edge function")
@pytest.mark.parametrize(("nodes", "count"), [(6, 40), (30, 90), (3, 1), (1, 4), (4, 0)])
def test_a_layer_equals_relgraphconv(dgl: ModuleType, nodes: int, count: int) -> None:
    from dgl.nn.pytorch import RelGraphConv

    layer = new_layer()
    other = RelGraphConv(WIDTH, WIDTH, RELATIONS, bias=False, activation=torch.relu, self_loop=True)
    with torch.no_grad():
        other.linear_r.W.copy_(layer.relation_maps.weight)
        other.loop_weight.copy_(layer.self_loop.weight.T)
    heads, tails, relations = sorted_edges(nodes, count, seed=nodes)
    counts = torch.zeros(nodes, RELATIONS).index_put((tails, relations), torch.ones(()), True)
    states = torch.randn(nodes, WIDTH)
    graph = dgl.graph((heads, tails), num_nodes=nodes)
    expected = other(graph, states, relations, norm=1 / counts[tails, relations][:, None])
    ours = layer(states, edges(heads, tails, relations, nodes))
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)


def test_a_node_without_neighbours_has_its_self_loop_alone() -> None:
    layer, states = new_layer(), torch.randn(3, WIDTH)
    none = torch.zeros(0, dtype=torch.int64)
    expected = (states @ layer.self_loop.weight.T).relu()
    torch.testing.assert_close(layer(states, edges(none, none, none, 3)), expected)


def test_a_repeated_neighbour_counts_once_in_the_mean() -> None:
    layer, states = new_layer(), torch.randn(2, WIDTH)
    one, zero, relation = torch.tensor([1]), torch.tensor([0]), torch.tensor([2])
    twice = layer(states, edges(one.repeat(2), zero.repeat(2), relation.repeat(2), 2))
    torch.testing.assert_close(twice, layer(states, edges(one, zero, relation, 2)))


def test_relation_maps_start_as_large_as_other_layers() -> None:
    layer = RelationalLayer(64, 30, dropout=0.0)
    spread, usual = layer.relation_maps.weight.std(), layer.self_loop.weight.std()
    torch.testing.assert_close(spread, usual, rtol=0.1, atol=0.0)


def test_a_model_without_types_relations_or_nodes_runs() -> None:
    config = replace(
        CONFIG, semantic_types=(), graph_relations=(), vector_spaces=(), vector_widths=()
    )
    none = torch.zeros(0, dtype=torch.int64)
    gcn = ConceptGcn(config).eval()
    states = gcn(torch.zeros(1, dtype=torch.int64), none, torch.zeros(0, 0), none, none, none)
    assert states.concept_states.shape == (0, config.span_width)
