"""Equations 1 to 10 of the paper for one document, written out with loops and concatenations.

Nothing is shared with the model but its weights; the parts of a split first layer are put
together again, so that each network here reads the concatenation that the paper writes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor, nn

from benchmarks.plain import joined
from keci.config import ModelConfig, TrainConfig
from keci.model.concept_gcn import ConceptGcn
from keci.model.fusion import Fusion
from keci.model.network import SpanNetwork
from keci.model.span_gcn import SpanGcn, SpanGcnLayer
from keci.model.span_graph import PairScorer, SpanScorer
from tests.keci.model.graphs import DocumentGraph


@dataclass(frozen=True, slots=True)
class Reference:
    """What the paper computes for one document; pairs and candidates by their span numbers."""

    entity_logits: list[Tensor]
    kept: list[int]
    kept_states: dict[int, Tensor]
    relation_logits: dict[tuple[int, int], Tensor]
    graph_states: dict[int, Tensor]
    concept_states: list[Tensor]
    fused_states: dict[int, Tensor]
    candidate_weights: dict[tuple[int, int], Tensor]
    context_weights: dict[int, Tensor]
    final_entity_logits: dict[int, Tensor]
    final_relation_logits: dict[tuple[int, int], Tensor]


def reference(network: SpanNetwork, config: ModelConfig, document: DocumentGraph) -> Reference:
    """Section 2 of the paper, in its order."""
    stages = network.stages
    span_states = [span_state(stages, document, span) for span in document.spans]
    entity_logits = [stages["span_scorer"].classifier(state) for state in span_states]
    kept = kept_spans(entity_logits, math.ceil(config.keep_ratio * len(document.token_states)))
    states = {span: span_states[span] for span in kept}
    relation_logits = all_pairs(stages["pair_scorer"], states)
    graph_states = span_graph(stages["span_gcn"], states, relation_logits)
    concept_states = concept_graph(stages["concept_gcn"], document)
    fused, weights, context = {}, {}, {}
    for span in kept:
        nodes = [node for owner, node in document.candidates if owner == span]
        f, betas, beta = fuse(
            stages["fusion"], graph_states[span], [concept_states[node] for node in nodes]
        )
        fused[span], context[span] = f, beta
        weights.update({(span, node): share for node, share in zip(nodes, betas, strict=True)})
    final = final_states(config, fused, graph_states)
    classifier = stages["final_span_scorer"].classifier
    return Reference(
        entity_logits,
        kept,
        states,
        relation_logits,
        graph_states,
        concept_states,
        fused,
        weights,
        context,
        {span: classifier(state) for span, state in final.items()},
        all_pairs(stages["final_pair_scorer"].pairs, final),
    )


def span_state(stages: nn.ModuleDict, document: DocumentGraph, span: tuple[int, int]) -> Tensor:
    """Eq 1: FFNN_g([x_START, x_END, x_hat, phi])."""
    scorer: SpanScorer = stages["span_scorer"]
    inside = [document.token_states[token] for token in range(*span)]
    scores = torch.stack([scorer.attention(x)[0] for x in inside])
    shares = scores.exp() / scores.exp().sum()
    x_hat = sum(share * x for share, x in zip(shares, inside, strict=True))
    phi = scorer.lengths.weight[len(inside) - 1]
    first = joined(scorer.start_part, scorer.end_part, scorer.pooled_part, scorer.length_part)
    hidden = first(torch.cat([inside[0], inside[-1], x_hat, phi])).relu()
    return stages["pruner"].span_output(hidden)


def kept_spans(entity_logits: Sequence[Tensor], limit: int) -> list[int]:
    """Sec 2.3: the spans with the lowest probability of being a non-entity."""
    non_entity = [float(logits.log_softmax(0)[0]) for logits in entity_logits]
    ranked = sorted(range(len(non_entity)), key=lambda span: (non_entity[span], span))
    return sorted(ranked[:limit])


def all_pairs(scorer: PairScorer, states: dict[int, Tensor]) -> dict[tuple[int, int], Tensor]:
    """Eq 3: FFNN_r([s_i, s_j, s_i * s_j]) for any two spans, in both directions."""
    first = joined(scorer.head_part, scorer.tail_part, scorer.product_part)
    return {
        (i, j): scorer.output(first(torch.cat([states[i], states[j], states[i] * states[j]])))
        for pair in combinations(states, 2)
        for i, j in (pair, pair[::-1])
    }


def span_graph(
    gcn: SpanGcn, states: dict[int, Tensor], relation_logits: dict[tuple[int, int], Tensor]
) -> dict[int, Tensor]:
    """Eq 4, layer by layer."""
    r = {pair: logits.softmax(0) for pair, logits in relation_logits.items()}
    h = states
    for layer in gcn.layers:
        h = {i: h[i] + span_update(layer, i, h, r) for i in h}
    return h


def span_update(
    layer: SpanGcnLayer, i: int, h: dict[int, Tensor], r: dict[tuple[int, int], Tensor]
) -> Tensor:
    """FFNN_a(ReLU([forward, backward])) of Eq 4 for span i."""
    width = len(h[i])
    forward, backward = torch.zeros(width), torch.zeros(width)
    for j in h:
        if j == i:
            continue
        for k in range(len(r[i, j])):
            rows = slice(k * width, (k + 1) * width)
            weight, bias = layer.forward_maps.weight[rows], layer.forward_maps.bias[rows]
            forward = forward + r[i, j][k] * (weight @ h[j] + bias)
            weight, bias = layer.backward_maps.weight[rows], layer.backward_maps.bias[rows]
            backward = backward + r[j, i][k] * (weight @ h[j] + bias)
    return layer.update(torch.cat([forward, backward]).relu())


def concept_graph(gcn: ConceptGcn, document: DocumentGraph) -> list[Tensor]:
    """Sec 2.4: the inputs of the nodes, Eq 5 layer by layer, and the projection to n."""
    v = []
    for types, vector in zip(document.node_types, document.node_vectors, strict=True):
        type_states = [gcn.types.weight[code] for code in types]
        width = gcn.types.weight.shape[1]
        mean = sum(type_states) / len(types) if types else torch.zeros(width)
        v.append(gcn.inputs(torch.cat([mean, vector])))
    for layer in gcn.layers:
        updated = []
        for i in range(len(v)):
            total = layer.self_loop.weight @ v[i]
            for k in range(len(layer.relation_maps.weight)):
                neighbours = [h for h, t, relation in document.edges if (t, relation) == (i, k)]
                for j in neighbours:
                    total = total + v[j] @ layer.relation_maps.weight[k] / len(neighbours)
            updated.append(total.relu())
        v = updated
    return [gcn.project(state) for state in v]


def fuse(
    fusion: Fusion, h_i: Tensor, candidates: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor], Tensor]:
    """Eq 6 to 8: f_i, the shares beta_ij of the candidates and beta_i of the sentinel."""
    first = joined(fusion.span_part, fusion.concept_part)
    c_i = fusion.sentinel(h_i)
    alpha_i = fusion.score(first(torch.cat([h_i, c_i])))[0]
    alphas = [fusion.score(first(torch.cat([h_i, n_j])))[0] for n_j in candidates]
    z = alpha_i.exp() + sum(alpha.exp() for alpha in alphas)
    beta_i, betas = alpha_i.exp() / z, [alpha.exp() / z for alpha in alphas]
    f_i = beta_i * c_i
    for beta, n_j in zip(betas, candidates, strict=True):
        f_i = f_i + beta * n_j
    return f_i, betas, beta_i


def final_states(
    config: ModelConfig, fused: dict[int, Tensor], graph_states: dict[int, Tensor]
) -> dict[int, Tensor]:
    """What Eq 9 reads: f_i, or [f_i ; h_i]."""
    if config.final_inputs == "fused":
        return fused
    return {span: torch.cat([fused[span], graph_states[span]]) for span in fused}


def total_loss(
    references: Sequence[Reference], documents: Sequence[DocumentGraph], config: TrainConfig
) -> Tensor:
    """Eq 10, averaged over documents."""
    total = torch.zeros(())
    for result, document in zip(references, documents, strict=True):
        initial = entity_loss(dict(enumerate(result.entity_logits)), document)
        initial = initial + pair_loss(result.relation_logits, document, config)
        final = entity_loss(result.final_entity_logits, document)
        final = final + pair_loss(result.final_relation_logits, document, config)
        total = total + initial + config.final_weight * final
    return total / len(documents)


def entity_loss(logits: dict[int, Tensor], document: DocumentGraph) -> Tensor:
    total = torch.zeros(())
    for span, scores in logits.items():
        total = total - scores.softmax(0)[document.labels[span]].log()
    return total


def pair_loss(
    logits: dict[tuple[int, int], Tensor], document: DocumentGraph, config: TrainConfig
) -> Tensor:
    total = torch.zeros(())
    for pair, scores in logits.items():
        label = document.relations.get(pair, 0)
        for k, probability in enumerate(scores.softmax(0)):
            if k == label:
                total = total - probability.log()
            elif config.relation_loss == "binary":
                total = total - (1 - probability).log()
    return total
