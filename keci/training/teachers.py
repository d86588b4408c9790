"""Distillation: what trained models say of spans and pairs, for another model to imitate.

Hinton et al. 2015, at a temperature of 1. Teachers read the same candidate spans as their pupil,
so that encoders whose word pieces agree can teach one another, whatever their width.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from keci.batch import BatchBuilder, PreparedText
from keci.documents import Document
from keci.errors import UsageError
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.vocabularies import Knowledge
from keci.prediction import to_tensors
from keci.schema import TaskSchema
from keci.training.checkpoint import LoadedRun
from keci.training.targets import find_pairs, pair_keys

LoadTrained = Callable[[str], LoadedRun]


@dataclass(frozen=True, slots=True)
class SoftTargets:
    """Probabilities that teachers give the spans and pairs of a batch.

    entities - (spans, entity_labels); relation_keys - (pairs,), ascending, ``head span * spans +
    tail span``; relations - (pairs, relation_labels).
    """

    entities: Tensor
    relation_keys: Tensor
    relations: Tensor

    def of_pairs(
        self, kept_spans: Tensor, pair_heads: Tensor, pair_tails: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Which of a pupil's pairs the teachers know (pairs,), and their probabilities
        (known, relation_labels).
        """
        keys = pair_keys(kept_spans[pair_heads], kept_spans[pair_tails], len(self.entities))
        known, rows = find_pairs(self.relation_keys, keys)
        return known, self.relations[rows]


class Teachers:
    """Trained models of one task; what they say together is the mean of what each says."""

    def __init__(
        self,
        models: Sequence[str],
        schema: TaskSchema,
        base: KnowledgeBase | None,
        device: torch.device,
        *,
        load: LoadTrained,
    ) -> None:
        """``load`` opens the model of a name; raises UsageError where one has other labels than
        ``schema``.
        """
        self.members = [_Teacher(model, load(model), schema, base, device) for model in models]

    @torch.no_grad()
    def targets(self, texts: Sequence[PreparedText], autocast: torch.autocast) -> SoftTargets:
        """What the teachers say of a batch; raises UsageError where one reads other spans."""
        said = [member.say(texts, autocast) for member in self.members]
        entities = torch.stack([item.entities for item in said]).mean(0)
        given = torch.cat([item.relation_keys for item in said])
        keys, rows = torch.unique(given, return_inverse=True)
        relations = torch.cat([item.relations for item in said])
        sums = relations.new_zeros(len(keys), relations.shape[1]).index_add_(0, rows, relations)
        counts = torch.bincount(rows, minlength=len(keys))[:, None]
        return SoftTargets(entities, keys, sums / counts.clamp(min=1))


class _Teacher:
    """A trained model, and the texts as it reads them, each tokenised once."""

    def __init__(
        self,
        name: str,
        loaded: LoadedRun,
        schema: TaskSchema,
        base: KnowledgeBase | None,
        device: torch.device,
    ) -> None:
        taught, model = loaded.settings.schema, loaded.settings.model
        if (taught.entity_labels, taught.relation_labels) != (
            schema.entity_labels,
            schema.relation_labels,
        ):
            raise UsageError(
                f"{name} was trained on other types than those of task {schema.name!r}"
            )
        self.device = device
        self.network = loaded.network.to(device).eval().requires_grad_(False)
        self.builder = BatchBuilder(
            loaded.tokenizer,
            model,
            max_pieces=loaded.max_pieces,
            knowledge=Knowledge(base, model) if base else None,
        )
        self._prepared: dict[Document, PreparedText] = {}

    def say(self, texts: Sequence[PreparedText], autocast: torch.autocast) -> SoftTargets:
        batch = self.builder.build(self._prepare(texts))
        known = self.network(to_tensors(batch, self.device), autocast=autocast)
        entities = known["entity_logits"].softmax(1)
        logits = known["relation_logits"]
        if "final_entity_logits" in known:
            final = known["final_entity_logits"].softmax(1)
            entities = entities.index_copy(0, known["kept_spans"], final)
            logits = known["final_relation_logits"]
        kept = known["kept_spans"]
        keys = pair_keys(kept[known["pair_heads"]], kept[known["pair_tails"]], len(entities))
        return SoftTargets(entities, keys, logits.softmax(1))

    def _prepare(self, texts: Sequence[PreparedText]) -> list[PreparedText]:
        new = [text for text in texts if text.document not in self._prepared]
        documents = [text.document for text in new]
        read = self.builder.prepare(documents, [text.concept_mentions for text in new])
        for own, given in zip(read, new, strict=True):
            if not np.array_equal(own.spans.starts, given.spans.starts):
                raise UsageError(
                    "a teacher reads other candidate spans: its word pieces or max_span_pieces "
                    "are not those of the model that is trained"
                )
        self._prepared |= zip(documents, read, strict=True)
        return [self._prepared[text.document] for text in texts]
