"""Equations 1 to 6 of Peters et al. (2019) on one document, as they are written."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from benchmarks.reference_layers import feed_forward, linears
from keci.model.knowbert import ConceptAttention, KnowledgeAttention


class KnowbertReference:
    """Token states that have read the linked spans and their concepts (the variant ``tokens``)."""

    def __init__(self, stage: KnowledgeAttention) -> None:
        self.stage = stage

    def __call__(self, known: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Enriched token states, and the shares of the candidates and of each span's sentinel."""
        stage, tokens = self.stage, known["token_states"]
        projected = [stage.project(x) for x in tokens]
        bounds = list(zip(known["span_starts"].tolist(), known["span_ends"].tolist(), strict=True))
        linked = sorted({*known["candidate_spans"].tolist()})
        pooled = [pool(stage, projected[slice(*bounds[span])]) for span in linked]
        contextual = transformer_block(stage.span_block, pooled)
        weights = torch.zeros(len(known["candidate_spans"]))
        context = torch.ones(len(bounds))
        knowing = []
        for span, state in zip(linked, contextual, strict=True):
            candidates = (known["candidate_spans"] == span).nonzero().squeeze(1)
            concepts = known["concept_states"][known["candidate_nodes"][candidates]]
            mean, shares = link(stage.concepts, state, concepts)
            context[span], weights[candidates] = shares[0], shares[1:]
            knowing.append(stage.knowledge_norm(state + mean))
        if linked:
            heard = attend(stage.token_attention, projected, knowing)
            update = linears(stage.update)
            tokens = torch.stack(
                [x + feed_forward(update, u) for x, u in zip(tokens, heard, strict=True)]
            )
        return {
            "token_states": tokens,
            "candidate_weights": weights,
            "span_context_weights": context,
        }


def pool(stage: KnowledgeAttention, inside: Sequence[Tensor]) -> Tensor:
    """The attention-weighted mean of a span's projected tokens: (d,)."""
    shares = torch.cat([stage.pooling(x) for x in inside]).softmax(0)
    mean: Tensor = stage.span_norm(shares @ torch.stack(list(inside)))
    return mean


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
    keys = torch.stack([k_map @ value + k_bias for value in values])
    mapped = torch.stack([v_map @ value + v_bias for value in values])
    results = []
    for query in queries:
        heads = []
        for head in torch.arange(attention.embed_dim).chunk(attention.num_heads):
            q = (q_map @ query + q_bias)[head]
            shares = (keys[:, head] @ q / len(head) ** 0.5).softmax(0)
            heads.append(shares @ mapped[:, head])
        results.append(attention.out_proj(torch.cat(heads)))
    return results


def link(attention: ConceptAttention, state: Tensor, concepts: Tensor) -> tuple[Tensor, Tensor]:
    """Eq 1 to 3: the mean of sentinel and candidates (d,), and their shares (1 + candidates,).

    state - (d,)
    concepts - (candidates, d): the best candidate first
    """
    embeddings = attention.norm(torch.cat((attention.sentinel[None], concepts)))
    priors = torch.tensor([0.0, *(1 / rank for rank in range(1, len(concepts) + 1))])
    products = embeddings @ state / len(state) ** 0.5
    scores = feed_forward(linears(attention.score), torch.stack((priors, products), 1))
    shares = scores.squeeze(1).softmax(0)
    return shares @ embeddings, shares
