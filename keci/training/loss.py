"""The training objective (Eq 10)."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from keci.config import TrainConfig
from keci.training.targets import UNKNOWN, Targets
from keci.training.teachers import SoftTargets


def total_loss(
    tensors: Mapping[str, Tensor], targets: Targets, config: TrainConfig, *, with_relations: bool
) -> Tensor:
    """(L1_e + L1_r) + 2 (L2_e + L2_r), summed over spans and pairs, per document (Eq 10).

    Where the config's ``relation_unit`` is "concepts", the pairs of gold mentions count by bags.

    ``with_relations`` False leaves the relation terms out (a first entity-only epoch).
    """
    ends = tensors["kept_spans"], tensors["pair_heads"], tensors["pair_tails"]
    pairs = targets.pair_labels(*ends)
    bags = targets.pair_bags(*ends) if config.relation_unit == "concepts" else None
    return _objective(
        tensors,
        config,
        entities=lambda logits, spans: _entity_loss(logits, targets.entity_labels[spans]),
        relations=lambda logits: relation_loss(logits, pairs, config.relation_loss, bags=bags),
        with_relations=with_relations,
    )


def imitation_loss(
    tensors: Mapping[str, Tensor],
    taught: SoftTargets,
    config: TrainConfig,
    *,
    span_weights: Tensor,
    with_relations: bool,
) -> Tensor:
    """The terms of Eq 10 with the teachers' probabilities in place of labels, per document.

    ``span_weights`` (spans,) weighs what is said of a span, and of the pairs that it heads.
    """
    kept, heads = tensors["kept_spans"], tensors["pair_heads"]
    known, relations = taught.of_pairs(kept, heads, tensors["pair_tails"])
    pair_weights = span_weights[kept[heads]][known]
    return _objective(
        tensors,
        config,
        entities=lambda logits, spans: _soft_loss(
            logits, taught.entities[spans], span_weights[spans]
        ),
        relations=lambda logits: _soft_loss(logits[known], relations, pair_weights),
        with_relations=with_relations,
    )


def imitation_weights(labels: Tensor, taught: SoftTargets, config: TrainConfig) -> Tensor:
    """How much of what the teachers say of each span counts: labels (spans,) -> (spans,).

    Of a text without annotation all, else the config's ``teacher_weight``; with
    ``agreeing_teachers`` nothing where they contradict the annotation.
    """
    weights = torch.full(labels.shape, config.teacher_weight, device=labels.device)
    if config.agreeing_teachers:
        weights = weights * (taught.entities.argmax(1) == labels)
    return torch.where(labels == UNKNOWN, 1.0, weights)


def _objective(
    tensors: Mapping[str, Tensor],
    config: TrainConfig,
    *,
    entities: Callable[[Tensor, Tensor | slice], Tensor],
    relations: Callable[[Tensor], Tensor],
    with_relations: bool,
) -> Tensor:
    """Eq 10, per document, of a loss of entity logits of some spans and one of relation logits."""
    loss = entities(tensors["entity_logits"], slice(None))
    if with_relations:
        loss = loss + relations(tensors["relation_logits"])
    if "final_entity_logits" in tensors:
        final = entities(tensors["final_entity_logits"], tensors["kept_spans"])
        if with_relations:
            final = final + relations(tensors["final_relation_logits"])
        loss = loss + config.final_weight * final
    return loss / (len(tensors["kept_splits"]) - 1)


def _soft_loss(logits: Tensor, wanted: Tensor, weights: Tensor) -> Tensor:
    """Summed cross-entropy: (rows, labels) twice, (rows,)."""
    losses = -(wanted * logits.float().log_softmax(1)).sum(1)
    return (losses * weights).sum()


def relation_loss(
    logits: Tensor, labels: Tensor, kind: str, *, bags: Tensor | None = None
) -> Tensor:
    """Summed loss of pairs: logits (pairs, labels), labels (pairs,).

    With ``bags`` (pairs,) a bag of pairs counts once, with what its pairs say together.
    "softmax" is the cross-entropy of the label; "binary" sums over all labels the binary
    cross-entropy of the label's softmax probability (Eq 3 with Sec 2.6).
    """
    if bags is not None:
        logits, labels = bag_scores(logits, labels, bags)
    if kind == "softmax":
        return functional.cross_entropy(logits, labels, reduction="sum")
    is_told = labels != UNKNOWN
    logits, labels = logits[is_told], labels[is_told]
    log_yes = logits.log_softmax(1)
    log_no = torch.log1p(-log_yes.exp().clamp(max=1 - 1e-6))
    wanted = functional.one_hot(labels, logits.shape[1]).to(logits.dtype)
    return -(wanted * log_yes + (1 - wanted) * log_no).sum()


def bag_scores(logits: Tensor, labels: Tensor, bags: Tensor) -> tuple[Tensor, Tensor]:
    """Logits and labels of the bags: (pairs, labels), (pairs,) twice -> (bags, labels), (bags,).

    The odds of a label against "none" are summed over the pairs of a bag, by log-sum-exp. So a
    single pair suffices to say it, pairs that say nothing take nothing away, and every pair is
    still a classifier of its own: in a bag without a relation each pair has to say "none". The
    pairs of a bag have one label.
    """
    keys, rows = torch.unique(bags, return_inverse=True)
    odds = logits - logits[:, :1]
    targets = rows[:, None].expand_as(odds)
    low = odds.new_full((len(keys), odds.shape[1]), float("-inf"))
    peaks = low.scatter_reduce(0, targets, odds.detach(), "amax")
    sums = torch.zeros_like(peaks).scatter_add(0, targets, (odds - peaks[rows]).exp())
    together = torch.cat((odds.new_zeros(len(keys), 1), (peaks + sums.log())[:, 1:]), 1)
    bag_labels = labels.new_zeros(len(keys))
    return together, bag_labels.scatter_reduce(0, rows, labels, "amax", include_self=False)


def _entity_loss(logits: Tensor, labels: Tensor) -> Tensor:
    return functional.cross_entropy(logits, labels, reduction="sum")
