"""The whole model as an ordered set of stages."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from torch import Tensor, nn

from keci.config import ModelConfig
from keci.model.concept_gcn import ConceptGcn
from keci.model.final_graph import FinalScorer
from keci.model.fusion import Fusion
from keci.model.span_gcn import SpanGcn
from keci.model.span_graph import PairBuilder, PairScorer, Pruner, SpanScorer
from keci.schema import TaskSchema
from keci.stages import TorchStage, run_stages


class SpanNetwork(nn.Module):
    """Every stage after the encoder, in the order of the paper's Section 2.

    ``stages`` maps a stage's name to it; the names are those of the exported graphs.
    """

    def __init__(self, config: ModelConfig, schema: TaskSchema, *, encoder_width: int) -> None:
        super().__init__()
        self.config = config
        self.encoder_width = encoder_width
        entities, relations = len(schema.entity_labels), len(schema.relation_labels)
        stages: dict[str, TorchStage] = {
            "span_scorer": SpanScorer(config, encoder_width=encoder_width, entity_labels=entities),
            "pruner": Pruner(config),
            "pair_builder": PairBuilder(),
            "pair_scorer": PairScorer(
                config, span_width=config.span_width, relation_labels=relations
            ),
        }
        if config.knowledge == "fusion":
            stages |= {
                "span_gcn": SpanGcn(config, relation_labels=relations),
                "concept_gcn": ConceptGcn(config),
                "fusion": Fusion(config),
                "final_scorer": FinalScorer(
                    config, entity_labels=entities, relation_labels=relations
                ),
            }
        self.stages = nn.ModuleDict(stages)


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

        The encoder alone runs under ``autocast``; its states are widened to float32.
        """
        with autocast or nullcontext():
            known = run_stages([self.encoder], tensors)
        known["token_states"] = known["token_states"].float()
        return run_stages(self.spans.stages.values(), known)  # type: ignore[arg-type]  # ModuleDict forgets the class
