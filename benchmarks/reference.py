"""Equations 1 to 9 of the paper on one document, as they are written: the one plain form.

The tests compare the model with it, and ``benchmarks.plain`` its speed. Nothing is shared with the
model but the weights, and layers that the model splits are put together again: a loop over the
spans pools the tokens of each, first layers read the concatenation that the paper writes, graphs
are dense matrices under one relation after the other, and a loop over the kept spans fuses each
with its concepts.
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from benchmarks.reference_knowbert import KnowbertReference
from benchmarks.reference_layers import feed_forward, joined, linears
from keci.model.concept_gcn import ConceptGcn, RelationalLayer
from keci.model.final_graph import ContextFinalPairScorer, FinalPairScorer, FinalSpanScorer
from keci.model.fusion import Fusion
from keci.model.knowbert import KnowledgeAttention
from keci.model.network import SpanNetwork
from keci.model.pair_context import PairContext, PairFeatures
from keci.model.span_gcn import SpanGcn, SpanGcnLayer
from keci.model.span_graph import (
    ContextPairScorer,
    NamedSpanScorer,
    PairScorer,
    Pruner,
    SpanScorer,
)

Tensors = dict[str, Tensor]


class Reference:
    """Section 2 of the paper, in its order, with the weights of ``network``."""

    def __init__(self, network: SpanNetwork) -> None:
        stages, config = network.stages, network.config
        self.spans = SpanReference(
            cast(SpanScorer, stages["span_scorer"]), cast(Pruner, stages["pruner"])
        )
        self.keep_ratio, self.reach = config.keep_ratio, config.pair_reach
        scorer = cast(PairScorer, stages["pair_scorer"])
        features = scorer.features if isinstance(scorer, ContextPairScorer) else None
        self.pairs = PairReference(scorer, features)
        self.context, self.concepts, self.knowbert, self.final = None, None, None, None
        if "pair_context" in stages:
            self.context = ContextReference(cast(PairContext, stages["pair_context"]))
        if "concept_gcn" in stages:
            self.concepts = ConceptReference(cast(ConceptGcn, stages["concept_gcn"]))
        if "knowledge_attention" in stages:
            self.knowbert = KnowbertReference(
                cast(KnowledgeAttention, stages["knowledge_attention"])
            )
        if "fusion" in stages:
            self.final = FinalReference(network)

    def __call__(self, given: Mapping[str, Tensor]) -> Tensors:
        """The tensors of ``stages.TENSORS`` that a document has, the given ones included.

        What the model needs to read many documents at once is not among them.
        """
        known = dict(given)
        if self.concepts:
            known["concept_states"] = self.concepts(known)
        if self.knowbert:
            known |= self.knowbert(known)
        states, known["entity_logits"] = self.spans(known)
        kept = known["kept_spans"] = self.prune(known)
        known["kept_splits"] = torch.tensor([0, len(kept)])
        known["kept_states"] = states[kept]
        paired = self.paired(known)
        context = self.context(known) if self.context else None
        relations = self.pairs(known["kept_states"], context)
        heads, tails = known["pair_heads"], known["pair_tails"] = _both_ways(paired)
        known["relation_logits"] = relations[heads, tails]
        if self.final:
            shares = relations.softmax(2) * paired[:, :, None]
            known["final_relation_logits"] = self.final(known, shares, context)[heads, tails]
        return known

    def prune(self, known: Tensors) -> Tensor:
        """Sec 2.3: the ceil(lambda n) spans that least look like non-entities, ascending."""
        limit = math.ceil(self.keep_ratio * len(known["token_states"]))
        non_entity = known["entity_logits"].log_softmax(1)[:, 0]
        return non_entity.argsort(stable=True)[:limit].sort().values

    def paired(self, known: Tensors) -> Tensor:
        """Which kept spans are paired: (kept, kept)."""
        kept = known["kept_spans"]
        others = ~torch.eye(len(kept), dtype=torch.bool)
        if self.reach < 0:
            return others
        sentences = known["span_sentences"][kept]
        return others & ((sentences[:, None] - sentences[None]).abs() <= self.reach)


def _both_ways(paired: Tensor) -> tuple[Tensor, Tensor]:
    """Heads and tails of the pairs i < j, each followed by (j, i)."""
    first, second = paired.triu(1).nonzero().unbind(1)
    return torch.stack((first, second), 1).flatten(), torch.stack((second, first), 1).flatten()


class SpanReference:
    """Eq 1 and 2, span by span up to the concatenation [x_START, x_END, x_hat, phi]."""

    def __init__(self, scorer: SpanScorer, pruner: Pruner) -> None:
        self.first = joined(
            scorer.start_part, scorer.end_part, scorer.pooled_part, scorer.length_part
        )
        self.hidden = [*linears(scorer.activation), pruner.span_output]
        self.attention, self.lengths = scorer.attention, scorer.lengths
        self.names = scorer.names if isinstance(scorer, NamedSpanScorer) else None
        self.classifier = linears(scorer.classifier)

    def __call__(self, known: Tensors) -> tuple[Tensor, Tensor]:
        """Span states (spans, d) and entity logits (spans, entity_labels)."""
        tokens, starts, ends = (known[n] for n in ("token_states", "span_starts", "span_ends"))
        scores = self.attention(tokens)
        features = torch.zeros(len(starts), self.first.in_features)
        for span, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            inside = tokens[start:end]
            x_hat = (scores[start:end].softmax(0) * inside).sum(0)
            phi = self.lengths.weight[end - start - 1]
            features[span] = torch.cat((inside[0], inside[-1], x_hat, phi))
        hidden = self.first(features)
        if self.names:
            hidden = hidden + self.names(known["span_names"])
        states = feed_forward(self.hidden, hidden.relu())
        return states, feed_forward(self.classifier, states)


class Context(NamedTuple):
    """What lies between two kept spans, and how they lie.

    between - (kept, kept, pair_context)
    positions - (kept, kept)
    """

    between: Tensor
    positions: Tensor


class ContextReference:
    """The maxima between two spans and the class of their position, pair by pair."""

    def __init__(self, stage: PairContext) -> None:
        self.features = stage.features
        self.gaps: list[int] = stage.gaps.tolist()

    def __call__(self, known: Tensors) -> Context:
        kept, features = known["kept_spans"], self.features(known["token_states"]).relu()
        bounds = (known[name][kept].tolist() for name in ("span_starts", "span_ends"))
        spans = list(zip(*bounds, strict=True))
        between = torch.zeros(len(spans), len(spans), features.shape[1])
        positions = torch.zeros(len(spans), len(spans), dtype=torch.int64)
        for i, head in enumerate(spans):
            for j, tail in enumerate(spans):
                positions[i, j] = self._position(head, tail)
                start, end = min(head[1], tail[1]), max(head[0], tail[0])
                if start < end:
                    between[i, j] = features[start:end].max(0).values
        return Context(between, positions)

    def _position(self, head: tuple[int, int], tail: tuple[int, int]) -> int:
        distances = len(self.gaps) + 1
        gap = max(head[0], tail[0]) - min(head[1], tail[1])
        if gap >= 0:
            distance = sum(bound <= gap for bound in self.gaps)
            return distance if head[0] < tail[0] else distances + distance
        if tail[0] <= head[0] and head[1] <= tail[1]:
            return 2 * distances
        return 2 * distances + (1 if head[0] <= tail[0] and tail[1] <= head[1] else 2)


class PairReference:
    """Eq 3 on the concatenation [s_i, s_j, s_i * s_j] of every pair, and on its context."""

    def __init__(self, scorer: PairScorer, features: PairFeatures | None) -> None:
        self.first = joined(scorer.head_part, scorer.tail_part, scorer.product_part)
        self.output, self.features = linears(scorer.output), features

    def __call__(
        self, states: Tensor, context: Context | None, types: Tensor | None = None
    ) -> Tensor:
        """Logits of every pair of kept spans: (kept, kept, labels).

        states - (kept, width)
        types - (kept, entity_labels): probabilities
        """
        kept = len(states)
        heads = states[:, None].expand(kept, kept, -1)
        tails = states[None].expand(kept, kept, -1)
        hidden = self.first(torch.cat((heads, tails, heads * tails), 2))
        if self.features and context:
            hidden = hidden + self.features.context_part(context.between)
            hidden = hidden + self.features.positions(context.positions)
        if self.features and self.features.head_types and self.features.tail_types:
            hidden = hidden + self.features.head_types(types)[:, None]
            hidden = hidden + self.features.tail_types(types)[None]
        return feed_forward(self.output, hidden.relu())


class ConceptReference:
    """Sec 2.4: the nodes' inputs, Eq 5 layer by layer, and the projection to n."""

    def __init__(self, gcn: ConceptGcn) -> None:
        self.types, self.inputs, self.layers = gcn.types, gcn.inputs, gcn.layers
        self.project = linears(gcn.project)

    def __call__(self, known: Tensors) -> Tensor:
        """Concept states: (nodes, d)."""
        splits = known["node_types_splits"].tolist()
        types = torch.zeros(len(splits) - 1, self.types.embedding_dim)
        for node, (start, end) in enumerate(pairwise(splits)):
            if start < end:
                types[node] = self.types(known["node_types"][start:end]).mean(0)
        states = self.inputs(torch.cat((types, known["node_vectors"]), 1))
        neighbours = mean_neighbours(known, len(states))
        for layer in self.layers:
            states = relational_update(cast(RelationalLayer, layer), states, neighbours)
        return feed_forward(self.project, states)


class FinalReference:
    """Eq 4 and 6 to 9."""

    def __init__(self, network: SpanNetwork) -> None:
        stages = network.stages
        self.span_gcn = cast(SpanGcn, stages["span_gcn"])
        fusion = cast(Fusion, stages["fusion"])
        self.first = joined(fusion.span_part, fusion.concept_part)
        self.score, self.sentinel = linears(fusion.score), linears(fusion.sentinel)
        self.reads_span = network.config.final_inputs == "fused+span"
        self.none_messages = network.config.none_messages
        spans = cast(FinalSpanScorer, stages["final_span_scorer"])
        self.classifier = linears(spans.classifier)
        scorer = cast(FinalPairScorer, stages["final_pair_scorer"])
        features = scorer.features if isinstance(scorer, ContextFinalPairScorer) else None
        self.pairs = PairReference(scorer.pairs, features)

    def __call__(self, known: Tensors, shares: Tensor, context: Context | None) -> Tensor:
        """Final relation logits (kept, kept, labels); adds the other final tensors to ``known``.

        shares - (kept, kept, labels): r_ij of Eq 4, zero where spans are not paired
        """
        states = known["kept_states"]
        sent = shares if self.none_messages else shares[:, :, 1:]
        for layer in self.span_gcn.layers:
            states = states + span_update(cast(SpanGcnLayer, layer), states, sent)
        known["graph_states"] = states
        known |= self.fuse(known)
        final = known["fused_states"]
        if self.reads_span:
            final = torch.cat((final, states), 1)
        logits = known["final_entity_logits"] = feed_forward(self.classifier, final)
        return self.pairs(final, context, logits.softmax(1))

    def fuse(self, known: Tensors) -> Tensors:
        """Eq 6 to 8, span by span: f_i, the concepts' shares beta_ij and the sentinel's beta_i."""
        fused = torch.zeros_like(known["graph_states"])
        weights, context = torch.zeros(len(known["candidate_spans"])), torch.zeros(len(fused))
        spans = zip(known["kept_spans"], known["graph_states"], strict=True)
        for row, (span, state) in enumerate(spans):
            candidates = (known["candidate_spans"] == span).nonzero().squeeze(1)
            concepts = known["concept_states"][known["candidate_nodes"][candidates]]
            values = torch.cat((feed_forward(self.sentinel, state)[None], concepts))
            pairs = torch.cat((state.expand(len(values), -1), values), 1)
            alphas = feed_forward(self.score, self.first(pairs).relu()).squeeze(1)
            betas = alphas.softmax(0)
            context[row], weights[candidates] = betas[0], betas[1:]
            fused[row] = betas @ values
        return {
            "fused_states": fused,
            "candidate_weights": weights,
            "context_weights": context,
        }


def span_update(layer: SpanGcnLayer, states: Tensor, shares: Tensor) -> Tensor:
    """FFNN_a(ReLU([forward, backward])) of Eq 4: (kept, d).

    states - (kept, d)
    shares - (kept, kept, labels)
    """
    forward, backward = torch.zeros_like(states), torch.zeros_like(states)
    width, labels = states.shape[1], shares.shape[2]
    for relation in range(labels):
        rows = slice(relation * width, (relation + 1) * width)
        ahead, behind = layer.forward_maps, layer.backward_maps
        weight = shares[:, :, relation]
        forward += weight @ nn.functional.linear(states, ahead.weight[rows], ahead.bias[rows])
        backward += weight.T @ nn.functional.linear(states, behind.weight[rows], behind.bias[rows])
    return feed_forward(linears(layer.update), torch.cat((forward, backward), 1).relu())


def relational_update(
    layer: RelationalLayer, states: Tensor, neighbours: Mapping[int, Tensor]
) -> Tensor:
    """Eq 5 with a dense matrix (nodes, nodes) of neighbours for each relation that occurs."""
    total: Tensor = layer.self_loop(states)
    for relation, shares in neighbours.items():
        total = total + shares @ (states @ layer.relation_maps.weight[relation])
    return total.relu()


def mean_neighbours(known: Tensors, nodes: int) -> dict[int, Tensor]:
    """By relation: 1 / c_i at [i, j] for each edge from j to i."""
    matrices = {}
    for relation in torch.unique(known["edge_relations"]).tolist():
        edges = known["edge_relations"] == relation
        ends = known["edge_tails"][edges], known["edge_heads"][edges]
        counts = torch.zeros(nodes, nodes).index_put_(ends, torch.ones(()), accumulate=True)
        matrices[relation] = counts / counts.sum(1, keepdim=True).clamp(min=1)
    return matrices
