"""The training objective (Eq 10)."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from keci.config import TrainConfig
from keci.training.targets import Targets


def total_loss(
    tensors: Mapping[str, Tensor], targets: Targets, config: TrainConfig, *, with_relations: bool
) -> Tensor:
    """(L1_e + L1_r) + 2 (L2_e + L2_r), summed over spans and pairs, per document (Eq 10).

    ``with_relations`` False leaves the relation terms out (a first entity-only epoch).
    """
    documents = len(tensors["kept_splits"]) - 1
    pairs = targets.pair_labels(tensors["kept_spans"], tensors["pair_heads"], tensors["pair_tails"])
    loss = _entity_loss(tensors["entity_logits"], targets.entity_labels)
    if with_relations:
        loss = loss + relation_loss(tensors["relation_logits"], pairs, config.relation_loss)
    if "final_entity_logits" in tensors:
        kept = targets.kept_entity_labels(tensors["kept_spans"])
        final = _entity_loss(tensors["final_entity_logits"], kept)
        if with_relations:
            logits = tensors["final_relation_logits"]
            final = final + relation_loss(logits, pairs, config.relation_loss)
        loss = loss + config.final_weight * final
    return loss / documents


def relation_loss(logits: Tensor, labels: Tensor, kind: str) -> Tensor:
    """Summed loss of pairs: logits (pairs, labels), labels (pairs,).

    "softmax" is the cross-entropy of the label; "binary" sums over all labels the binary
    cross-entropy of the label's softmax probability (Eq 3 with Sec 2.6).
    """
    if kind == "softmax":
        return functional.cross_entropy(logits, labels, reduction="sum")
    log_yes = logits.log_softmax(1)
    log_no = torch.log1p(-log_yes.exp().clamp(max=1 - 1e-6))
    wanted = functional.one_hot(labels, logits.shape[1]).to(logits.dtype)
    return -(wanted * log_yes + (1 - wanted) * log_no).sum()


def _entity_loss(logits: Tensor, labels: Tensor) -> Tensor:
    return functional.cross_entropy(logits, labels, reduction="sum")
