"""Eq 10 of the paper, written out span by span and pair by pair."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from keci.config import TrainConfig
from tests.keci.model.graphs import DocumentGraph


def plain_loss(
    results: Sequence[Mapping[str, Tensor]],
    documents: Sequence[DocumentGraph],
    config: TrainConfig,
) -> Tensor:
    """Eq 10, averaged over documents; ``results`` are the reference's tensors of each."""
    total = torch.zeros(())
    for result, document in zip(results, documents, strict=True):
        kept = result["kept_spans"].tolist()
        everywhere = range(len(document.spans))
        initial = entity_loss(result["entity_logits"], everywhere, document)
        initial = initial + pair_loss("relation_logits", result, document, config)
        final = entity_loss(result["final_entity_logits"], kept, document)
        final = final + pair_loss("final_relation_logits", result, document, config)
        total = total + initial + config.final_weight * final
    return total / len(documents)


def entity_loss(logits: Tensor, spans: Sequence[int], document: DocumentGraph) -> Tensor:
    total = torch.zeros(())
    for span, scores in zip(spans, logits, strict=True):
        total = total - scores.softmax(0)[document.labels[span]].log()
    return total


def pair_loss(
    name: str, result: Mapping[str, Tensor], document: DocumentGraph, config: TrainConfig
) -> Tensor:
    kept = result["kept_spans"]
    ends = (kept[result[end]].tolist() for end in ("pair_heads", "pair_tails"))
    total = torch.zeros(())
    for pair, scores in zip(zip(*ends, strict=True), result[name], strict=True):
        label = document.relations.get(pair, 0)
        for k, probability in enumerate(scores.softmax(0)):
            if k == label:
                total = total - probability.log()
            elif config.relation_loss == "binary":
                total = total - (1 - probability).log()
    return total
