"""Equations 1 to 6 of Peters et al. (2019) for one document, written out with loops.

Nothing is shared with the model but its weights.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from keci.config import ModelConfig
from keci.model.knowbert import ConceptAttention, KnowledgeAttention
from keci.model.network import SpanNetwork
from tests.keci.model.graphs import DocumentGraph
from tests.keci.model.reference import all_pairs, concept_graph, kept_spans, span_state


@dataclass(frozen=True, slots=True)
class KnowbertReference:
    """What the token variant computes for one document; pairs and candidates by span number."""

    token_states: list[Tensor]
    kept_states: dict[int, Tensor]
    entity_logits: list[Tensor]
    relation_logits: dict[tuple[int, int], Tensor]
    candidate_weights: list[Tensor]
    span_context_weights: list[Tensor]


def knowbert_reference(
    network: SpanNetwork, config: ModelConfig, document: DocumentGraph
) -> KnowbertReference:
    """Enrich the tokens, then Eq 1 to 3 of the paper on them."""
    stages = network.stages
    concepts = concept_graph(stages["concept_gcn"], document)
    tokens, weights, context = enrich(stages["knowledge_attention"], document, concepts)
    enriched = document
    if tokens:
        enriched = replace(document, token_states=torch.stack(tokens))
    span_states = [span_state(stages, enriched, span) for span in document.spans]
    entity_logits = [stages["span_scorer"].classifier(state) for state in span_states]
    kept = kept_spans(entity_logits, math.ceil(config.keep_ratio * len(tokens)))
    states = {span: span_states[span] for span in kept}
    return KnowbertReference(
        tokens,
        states,
        entity_logits,
        all_pairs(stages["pair_scorer"], states),
        weights,
        context,
    )


def enrich(
    kar: KnowledgeAttention, document: DocumentGraph, concept_states: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Token states, shares of the candidates in their order, shares of the spans' sentinels."""
    projected = [kar.project(x) for x in document.token_states]
    linked = sorted({span for span, _ in document.candidates})
    pooled = [pool(kar, projected, document.spans[span]) for span in linked]
    contextual = transformer_block(kar.span_block, pooled)
    weights, context = [], [torch.ones(()) for _ in document.spans]
    knowing = []
    for span, state in zip(linked, contextual, strict=True):
        nodes = [node for owner, node in document.candidates if owner == span]
        mean, shares, context[span] = link(
            kar.concepts, state, [concept_states[node] for node in nodes]
        )
        weights += shares
        knowing.append(kar.knowledge_norm(state + mean))
    if not linked:
        return list(document.token_states), weights, context
    heard = attend(kar.token_attention, projected, knowing)
    enriched = [
        x + kar.update(update) for x, update in zip(document.token_states, heard, strict=True)
    ]
    return enriched, weights, context


def pool(kar: KnowledgeAttention, projected: Sequence[Tensor], span: tuple[int, int]) -> Tensor:
    inside = projected[slice(*span)]
    scores = torch.stack([kar.pooling(x)[0] for x in inside])
    shares = scores.exp() / scores.exp().sum()
    return kar.span_norm(sum(share * x for share, x in zip(shares, inside, strict=True)))


def transformer_block(block: nn.TransformerEncoderLayer, states: Sequence[Tensor]) -> list[Tensor]:
    """One transformer layer that normalises after each of its halves."""
    heard = attend(block.self_attn, states, states) if states else []
    middle = [block.norm1(state + update) for state, update in zip(states, heard, strict=True)]
    return [block.norm2(s + block.linear2(block.linear1(s).relu())) for s in middle]


def attend(
    attention: nn.MultiheadAttention, queries: Sequence[Tensor], values: Sequence[Tensor]
) -> list[Tensor]:
    """Attention head by head: softmax of q.k / sqrt(width of a head)."""
    q_map, k_map, v_map = attention.in_proj_weight.chunk(3)
    q_bias, k_bias, v_bias = attention.in_proj_bias.chunk(3)
    results = []
    for query in queries:
        heads = []
        for head in torch.arange(attention.embed_dim).chunk(attention.num_heads):
            q = (q_map @ query + q_bias)[head]
            scores = [q @ (k_map @ value + k_bias)[head] / len(head) ** 0.5 for value in values]
            z = sum(score.exp() for score in scores)
            mapped = [(v_map @ value + v_bias)[head] for value in values]
            heads.append(sum(s.exp() / z * v for s, v in zip(scores, mapped, strict=True)))
        results.append(attention.out_proj(torch.cat(heads)))
    return results


def link(
    concepts: ConceptAttention, state: Tensor, candidates: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor], Tensor]:
    """Eq 1 to 3: the mean of sentinel and candidates, the candidates' shares, the sentinel's."""
    embeddings = [concepts.norm(e) for e in (concepts.sentinel, *candidates)]
    priors = [0.0, *(1 / rank for rank in range(1, len(candidates) + 1))]
    scores = []
    for prior, embedding in zip(priors, embeddings, strict=True):
        product = state @ embedding / len(state) ** 0.5
        scores.append(concepts.score(torch.stack([torch.tensor(prior), product]))[0])
    z = sum(score.exp() for score in scores)
    shares = [score.exp() / z for score in scores]
    mean = sum(share * e for share, e in zip(shares, embeddings, strict=True))
    return mean, shares[1:], shares[0]
