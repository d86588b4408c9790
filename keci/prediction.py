"""Documents in, extractions out, in order: batching, the fold over the stages, decoding."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from keci.batch import Batch, BatchBuilder, PreparedText
from keci.decoding import decode, final_scores
from keci.documents import Document, Extraction
from keci.schema import TaskSchema
from keci.stages import Stage, run_stages


@dataclass(frozen=True, slots=True)
class Batching:
    """How texts are grouped: buckets of similar length inside windows of consecutive texts.

    A bucket holds up to ``token_budget`` word pieces, padding and special tokens included, or one
    text where that alone is longer. Buckets depend on the texts and these numbers alone.
    """

    token_budget: int = 512
    window: int = 512


class Predictor:
    """Runs the stages over documents that fit the encoder."""

    def __init__(
        self,
        stages: Sequence[Stage],
        builder: BatchBuilder,
        schema: TaskSchema,
        *,
        batching: Batching,
        device: torch.device,
    ) -> None:
        self.stages = stages
        self.builder = builder
        self.schema = schema
        self.batching = batching
        self.device = device

    def __call__(self, documents: Iterable[Document]) -> Iterator[Extraction]:
        """Extractions of the documents, in their order.

        Raises DataError on a document that is longer than the encoder reads.
        """
        remaining = iter(documents)
        while window := list(islice(remaining, self.batching.window)):
            yield from self.predict(self.builder.prepare(window))

    def predict(self, texts: Sequence[PreparedText]) -> list[Extraction]:
        """Extractions of one window of prepared texts, in their order."""
        extractions: dict[int, Extraction] = {}
        for places in buckets(texts, self.batching.token_budget, self.builder.special_count):
            batch = self.builder.build([texts[place] for place in places])
            extractions |= zip(places, self._run(batch), strict=True)
        return [extractions[place] for place in range(len(texts))]

    @torch.inference_mode()
    def _run(self, batch: Batch) -> list[Extraction]:
        if not batch.arrays["span_starts"].size:
            return [Extraction(text.document.id, text.document.text) for text in batch.texts]
        tensors = run_stages(self.stages, to_tensors(batch, self.device))
        outputs = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
        knowledge = self.builder.knowledge
        return decode(
            batch,
            outputs,
            final_scores(outputs),
            schema=self.schema,
            base=knowledge.base if knowledge else None,
        )


def to_tensors(batch: Batch, device: torch.device) -> dict[str, Tensor]:
    """The batch's arrays as tensors on ``device``, sharing memory where that is the CPU."""
    return {name: torch.from_numpy(array).to(device) for name, array in batch.arrays.items()}


def buckets(
    texts: Sequence[PreparedText], token_budget: int, special_count: int
) -> Iterator[list[int]]:
    """Places of the texts in groups of similar length whose padded size fits the budget."""
    lengths = np.array([text.token_count for text in texts]) + special_count
    bucket: list[int] = []
    for place in np.argsort(lengths, kind="stable").tolist():
        if bucket and (len(bucket) + 1) * lengths[place] > token_budget:
            yield bucket
            bucket = []
        bucket.append(place)
    if bucket:
        yield bucket
