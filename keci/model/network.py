"""The whole model as an ordered set of stages."""

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import cast

import torch
from torch import Tensor, nn

from keci.config import ModelConfig
from keci.model.concept_gcn import ConceptGcn
from keci.model.final_graph import ContextFinalPairScorer, FinalPairScorer, FinalSpanScorer
from keci.model.fusion import Fusion
from keci.model.knowbert import KnowledgeAttention
from keci.model.pair_context import PairContext
from keci.model.span_gcn import SpanGcn
from keci.model.span_graph import (
    ContextPairScorer,
    NamedSpanScorer,
    NearPairBuilder,
    PairBuilder,
    PairScorer,
    Pruner,
    SpanScorer,
)
from keci.schema import TaskSchema
from keci.stages import TorchStage


class SpanNetwork(nn.Module):
    """Every stage after the encoder, in the order of the paper's Section 2.

    ``stages`` maps a stage's name to it; the names are those of the exported graphs.
    """

    def __init__(self, config: ModelConfig, schema: TaskSchema, *, encoder_width: int) -> None:
        super().__init__()
        self.config = config
        self.encoder_width = encoder_width
        entities, relations = len(schema.entity_labels), len(schema.relation_labels)
        stages: dict[str, TorchStage] = {}
        if config.knowledge == "tokens":
            stages |= {
                "concept_gcn": ConceptGcn(config),
                "knowledge_attention": KnowledgeAttention(config, encoder_width=encoder_width),
            }
        pruner = Pruner(config)
        span_scorer = NamedSpanScorer if config.name_kinds else SpanScorer
        stages |= {
            "span_scorer": span_scorer(
                config,
                encoder_width=encoder_width,
                entity_labels=entities,
                span_output=pruner.span_output,
            ),
            "pruner": pruner,
            "pair_builder": (
                PairBuilder() if config.pair_reach < 0 else NearPairBuilder(config.pair_reach)
            ),
        }
        pair_scorer = PairScorer
        if config.pair_context:
            stages["pair_context"] = PairContext(config, encoder_width=encoder_width)
            pair_scorer = ContextPairScorer
        stages["pair_scorer"] = pair_scorer(
            config, span_width=config.span_width, relation_labels=relations
        )
        if config.knowledge == "fusion":
            stages |= {
                "span_gcn": SpanGcn(config, relation_labels=relations),
                "concept_gcn": ConceptGcn(config),
                "fusion": Fusion(config),
                "final_span_scorer": FinalSpanScorer(config, entity_labels=entities),
                "final_pair_scorer": _final_pair_scorer(config, entities, relations),
            }
        self.stages = nn.ModuleDict(stages)

    def start_at_prior(self, none: float) -> None:
        """Set the biases of all scorers so that they start with the probability ``none``.

        Nearly every span and pair is "none", which a model that starts evenly learns first.
        """
        for layer in self._output_layers():
            others = max(len(layer.bias) - 1, 1)
            with torch.no_grad():
                layer.bias.zero_()
                layer.bias[0] = math.log(none / (1 - none) * others)

    def scale_relation_odds(self, factor: float) -> None:
        """Multiply the odds of every relation type against "none" that decoding sees.

        What a pair of mentions says of two concepts is a share of what all of their pairs say, so
        that a model trained on concepts finds more at a factor above 1.
        """
        is_final = "final_pair_scorer" in self.stages
        path = "final_pair_scorer.pairs" if is_final else "pair_scorer"
        scorer = cast(PairScorer, self.stages.get_submodule(path))
        with torch.no_grad():
            scorer.output.get_parameter(f"{len(scorer.output) - 1}.bias")[0] -= math.log(factor)

    def _output_layers(self) -> Iterator[nn.Linear]:
        for module in self.modules():
            if isinstance(module, SpanScorer | FinalSpanScorer):
                yield cast(nn.Linear, module.classifier[-1])
            elif isinstance(module, PairScorer):
                yield cast(nn.Linear, module.output[-1])


def _final_pair_scorer(config: ModelConfig, entities: int, relations: int) -> FinalPairScorer:
    if config.pair_context:
        return ContextFinalPairScorer(config, entity_labels=entities, relation_labels=relations)
    return FinalPairScorer(config, relation_labels=relations)


class Network(nn.Module):
    """Encoder and span network; one call is one fold over all stages."""

    def __init__(self, encoder: TorchStage, spans: SpanNetwork) -> None:
        super().__init__()
        self.encoder = encoder
        self.spans = spans

    def ordered_stages(self) -> list[TorchStage]:
        return [self.encoder, *self.spans.stages.values()]  # type: ignore[list-item]  # ModuleDict forgets the class

    def forward(
        self,
        tensors: Mapping[str, Tensor],
        *,
        autocast: AbstractContextManager[object] | None = None,
    ) -> dict[str, Tensor]:
        """All named tensors of stages.TENSORS that the configured stages make of a batch.

        The encoder and the scorers run under ``autocast``, and what they return is widened to
        float32; the graph stages compute in float32.
        """
        known = dict(tensors)
        for stage in self.ordered_stages():
            with (autocast if stage.autocasts else None) or nullcontext():
                outputs = stage.run(known)
            known |= {name: _widened(tensor) for name, tensor in outputs.items()}
        return known


def _widened(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
