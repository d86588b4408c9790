"""KECI as its equations read: the reference that the speed of the pipeline is compared with.

One document at a time in eager torch: a loop over the spans pools the tokens of each, first layers
read the concatenation that the paper writes, graphs are dense matrices under one relation after the
other, and a loop over the kept spans fuses each with its concepts.
"""

from itertools import pairwise
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from keci.batch import Batch, BatchBuilder
from keci.decoding import decode, final_scores
from keci.documents import Document, Extraction
from keci.errors import UsageError
from keci.model.concept_gcn import ConceptGcn, RelationalLayer
from keci.model.final_graph import ContextFinalPairScorer, FinalPairScorer, FinalSpanScorer
from keci.model.fusion import Fusion
from keci.model.network import Network
from keci.model.pair_context import PairContext, PairFeatures
from keci.model.span_gcn import SpanGcn, SpanGcnLayer
from keci.model.span_graph import (
    ContextPairScorer,
    NamedSpanScorer,
    PairScorer,
    Pruner,
    SpanScorer,
)
from keci.prediction import to_tensors
from keci.schema import TaskSchema

Tensors = dict[str, Tensor]


class PlainExtractor:
    """Extracts from one document after the other with the weights of ``network``."""

    def __init__(self, network: Network, builder: BatchBuilder, schema: TaskSchema) -> None:
        """Raises UsageError for a network of a variant that adds concepts to token states."""
        config = network.spans.config
        if config.knowledge == "tokens":
            raise UsageError("the plain reference has no form of the variant knowbert-attention")
        stages = network.spans.stages
        self.encoder = network.encoder
        self.spans = PlainSpans(
            cast(SpanScorer, stages["span_scorer"]), cast(Pruner, stages["pruner"])
        )
        self.pairs = PlainPairs(cast(PairScorer, stages["pair_scorer"]))
        self.context = (
            PlainContext(cast(PairContext, stages["pair_context"])) if config.pair_context else None
        )
        self.final = (
            PlainFinalGraph(network) if config.knowledge == "fusion" and builder.knowledge else None
        )
        self.keep_ratio, self.reach = config.keep_ratio, config.pair_reach
        self.builder, self.schema = builder, schema
        if config.knowledge == "fusion" and self.final is None:
            raise UsageError("the plain reference needs the model's knowledge base")

    @torch.inference_mode()
    def __call__(self, document: Document) -> Extraction:
        batch = self.builder.build(self.builder.prepare([document]))
        if not batch.arrays["span_starts"].size:
            return Extraction(document.id, document.text)
        known = self.forward(to_tensors(batch, torch.device("cpu")))
        return self._decode(batch, known)

    def forward(self, known: Tensors) -> Tensors:
        """All tensors of a batch of one document, the given ones included."""
        known |= self.encoder.run(known)
        tokens, bounds = known["token_states"], (known["span_starts"], known["span_ends"])
        states, logits = self.spans(tokens, *bounds, known.get("span_names"))
        limit = int(np.ceil(self.keep_ratio * len(tokens)))
        order = logits.log_softmax(1)[:, 0].argsort(stable=True)
        kept = order[:limit].sort().values
        known |= {"entity_logits": logits, "kept_spans": kept, "kept_splits": _splits(len(kept))}
        context = self.context(tokens, *(bound[kept] for bound in bounds)) if self.context else None
        relations = self.pairs(states[kept], context)
        paired = self._paired(known, kept)
        first, second = paired.triu(1).nonzero().unbind(1)
        heads = torch.stack((first, second), 1).flatten()
        tails = torch.stack((second, first), 1).flatten()
        known |= {"pair_heads": heads, "pair_tails": tails}
        known["relation_logits"] = relations[heads, tails]
        if self.final:
            final_relations = self.final(known, states[kept], relations, paired, context)
            known["final_relation_logits"] = final_relations[heads, tails]
        return known

    def _paired(self, known: Tensors, kept: Tensor) -> Tensor:
        """Which kept spans are paired: (kept, kept)."""
        others = ~torch.eye(len(kept), dtype=torch.bool)
        if self.reach < 0:
            return others
        sentences = known["span_sentences"][kept]
        return others & ((sentences[:, None] - sentences[None]).abs() <= self.reach)

    def _decode(self, batch: Batch, known: Tensors) -> Extraction:
        outputs = {name: tensor.numpy() for name, tensor in known.items()}
        base = self.builder.knowledge.base if self.builder.knowledge else None
        scores = final_scores(outputs)
        (extraction,) = decode(batch, outputs, scores, schema=self.schema, base=base)
        return extraction


class PlainSpans:
    """Eq 1 and 2, span by span up to the features [x_START, x_END, x_hat, phi]."""

    def __init__(self, scorer: SpanScorer, pruner: Pruner) -> None:
        self.scorer, self.pruner = scorer, pruner
        self.first = joined(
            scorer.start_part, scorer.end_part, scorer.pooled_part, scorer.length_part
        )

    def __call__(
        self, tokens: Tensor, starts: Tensor, ends: Tensor, names: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Shapes: (tokens, width), (spans,) three times -> (spans, d), (spans, labels)."""
        scores = self.scorer.attention(tokens)
        features = []
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            inside = tokens[start:end]
            x_hat = (scores[start:end].softmax(0) * inside).sum(0)
            phi = self.scorer.lengths.weight[end - start - 1]
            features.append(torch.cat((inside[0], inside[-1], x_hat, phi)))
        hidden = self.first(torch.stack(features))
        if isinstance(self.scorer, NamedSpanScorer):
            hidden = hidden + self.scorer.names(names)
        states = self.pruner.span_output(hidden.relu())
        return states, self.scorer.classifier(states)


class Context(NamedTuple):
    """What lies between two kept spans (kept, kept, pair_context), and how they lie."""

    between: Tensor
    positions: Tensor


class PlainContext:
    """The maxima between two spans and the class of their position, pair by pair."""

    def __init__(self, stage: PairContext) -> None:
        self.stage = stage

    def __call__(self, tokens: Tensor, starts: Tensor, ends: Tensor) -> Context:
        """Shapes: (tokens, width), (kept,) twice."""
        features = self.stage.features(tokens).relu()
        spans = list(zip(starts.tolist(), ends.tolist(), strict=True))
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
        bounds: list[int] = self.stage.gaps.tolist()
        distances = len(bounds) + 1
        gap = max(head[0], tail[0]) - min(head[1], tail[1])
        if gap >= 0:
            distance = sum(bound <= gap for bound in bounds)
            return distance if head[0] < tail[0] else distances + distance
        if tail[0] <= head[0] and head[1] <= tail[1]:
            return 2 * distances
        return 2 * distances + (1 if head[0] <= tail[0] and tail[1] <= head[1] else 2)


class PlainPairs:
    """Eq 3 on the concatenation [s_i, s_j, s_i * s_j] of every pair, and on its context."""

    def __init__(self, scorer: PairScorer, features: PairFeatures | None = None) -> None:
        self.first = joined(scorer.head_part, scorer.tail_part, scorer.product_part)
        self.output = scorer.output
        self.features = scorer.features if isinstance(scorer, ContextPairScorer) else features

    def __call__(
        self, states: Tensor, context: Context | None, types: Tensor | None = None
    ) -> Tensor:
        """Shapes: (kept, width), those of Context, (kept, types) -> (kept, kept, labels)."""
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
        logits: Tensor = self.output(hidden)
        return logits


class PlainFinalGraph:
    """Eq 4 to 9."""

    def __init__(self, network: Network) -> None:
        stages = network.spans.stages
        self.span_gcn = cast(SpanGcn, stages["span_gcn"])
        self.concept_gcn = cast(ConceptGcn, stages["concept_gcn"])
        self.fusion = cast(Fusion, stages["fusion"])
        self.first = joined(self.fusion.span_part, self.fusion.concept_part)
        self.spans = cast(FinalSpanScorer, stages["final_span_scorer"])
        scorer = cast(FinalPairScorer, stages["final_pair_scorer"])
        features = scorer.features if isinstance(scorer, ContextFinalPairScorer) else None
        self.pairs = PlainPairs(scorer.pairs, features)

    def __call__(
        self,
        known: Tensors,
        states: Tensor,
        relations: Tensor,
        paired: Tensor,
        context: Context | None,
    ) -> Tensor:
        """Adds the tensors of the final span graph to ``known``.

        Shapes: (kept, d), (kept, kept, labels), (kept, kept), those of Context -> final relation
        logits (kept, kept, labels).
        """
        shares = relations.softmax(2) * paired[:, :, None]
        for layer in self.span_gcn.layers:
            states = states + span_update(cast(SpanGcnLayer, layer), states, shares)
        fused = self.fuse(known, states, self.concepts(known))
        final = self.spans.states(fused, states)
        known["final_entity_logits"] = self.spans.classifier(final)
        return self.pairs(final, context, known["final_entity_logits"].softmax(1))

    def concepts(self, known: Tensors) -> Tensor:
        """Sec 2.4: the nodes' inputs, Eq 5 layer by layer, the projection; (nodes, d)."""
        gcn, splits = self.concept_gcn, known["node_types_splits"].tolist()
        types = torch.zeros(len(splits) - 1, gcn.types.embedding_dim)
        for node, (start, end) in enumerate(pairwise(splits)):
            if start < end:
                types[node] = gcn.types(known["node_types"][start:end]).mean(0)
        states = gcn.inputs(torch.cat((types, known["node_vectors"]), 1))
        adjacency = _adjacency(known, len(states))
        for layer in gcn.layers:
            states = relational_update(cast(RelationalLayer, layer), states, adjacency)
        projected: Tensor = gcn.project(states)
        return projected

    def fuse(self, known: Tensors, states: Tensor, concepts: Tensor) -> Tensor:
        """Eq 6 to 8, span by span; adds the attention weights to ``known``; (kept, d)."""
        fusion, fused, context = self.fusion, [], []
        weights = torch.zeros(len(known["candidate_spans"]))
        for span, state in zip(known["kept_spans"], states, strict=True):
            candidates = (known["candidate_spans"] == span).nonzero().squeeze(1)
            values = torch.cat(
                (fusion.sentinel(state)[None], concepts[known["candidate_nodes"][candidates]])
            )
            pairs = torch.cat((state.expand(len(values), -1), values), 1)
            betas = fusion.score(self.first(pairs)).squeeze(1).softmax(0)
            weights[candidates] = betas[1:]
            context.append(betas[0])
            fused.append(betas @ values)
        known |= {"candidate_weights": weights, "context_weights": torch.stack(context)}
        return torch.stack(fused)


def span_update(layer: SpanGcnLayer, states: Tensor, shares: Tensor) -> Tensor:
    """FFNN_a(ReLU([forward, backward])) of Eq 4.

    Shapes: (kept, d), (kept, kept, labels) -> (kept, d).
    """
    forward, backward = torch.zeros_like(states), torch.zeros_like(states)
    width, labels = states.shape[1], shares.shape[2]
    for relation in range(labels):
        rows = slice(relation * width, (relation + 1) * width)
        ahead, behind = layer.forward_maps, layer.backward_maps
        weight = shares[:, :, relation]
        forward += weight @ nn.functional.linear(states, ahead.weight[rows], ahead.bias[rows])
        backward += weight.T @ nn.functional.linear(states, behind.weight[rows], behind.bias[rows])
    update: Tensor = layer.update(torch.cat((forward, backward), 1).relu())
    return update


def relational_update(
    layer: RelationalLayer, states: Tensor, adjacency: dict[int, Tensor]
) -> Tensor:
    """Eq 5 with a dense matrix (nodes, nodes) of neighbours for each relation that occurs."""
    total = layer.self_loop(states)
    for relation, neighbours in adjacency.items():
        total = total + neighbours @ (states @ layer.relation_maps.weight[relation])
    updated: Tensor = total.relu()
    return updated


def _adjacency(known: Tensors, nodes: int) -> dict[int, Tensor]:
    """By relation: 1 / c_i at [i, j] for each edge from j to i."""
    matrices = {}
    for relation in torch.unique(known["edge_relations"]).tolist():
        edges = known["edge_relations"] == relation
        places = known["edge_tails"][edges], known["edge_heads"][edges]
        counts = torch.zeros(nodes, nodes).index_put_(places, torch.ones(()), accumulate=True)
        matrices[relation] = counts / counts.sum(1, keepdim=True).clamp(min=1)
    return matrices


def joined(*parts: nn.Linear) -> nn.Linear:
    """The first layer over a concatenation that ``parts`` were split from."""
    weight = torch.cat([part.weight for part in parts], dim=1)
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(torch.stack([p.bias for p in parts if p.bias is not None]).sum(0))
    return layer


def _splits(count: int) -> Tensor:
    return torch.tensor([0, count])
