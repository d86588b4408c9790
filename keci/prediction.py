"""Documents in, extractions out, in order: batching, the fold over the stages, decoding."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from keci.batch import Batch, BatchBuilder, PreparedText
from keci.decoding import Outputs, SpanGraphScores, decode, final_scores
from keci.documents import Document, Extraction
from keci.schema import TaskSchema
from keci.stages import Stage, run_stages

Scoring = Callable[[Outputs], SpanGraphScores]
"""Which span graph of a batch is decoded: ``decoding.initial_scores``, ``final_scores``."""
Reading = tuple[Extraction, ...]
"""What each of several scorings decodes from one text."""


@dataclass(frozen=True, slots=True)
class Batching:
    """How texts are grouped: buckets of similar length inside windows of consecutive texts.

    A bucket holds up to ``token_budget`` word pieces, padding and special tokens included, or one
    text where that alone is longer. Buckets depend on the texts and these numbers alone.
    """

    token_budget: int = 640
    window: int = 512


@dataclass(frozen=True, slots=True)
class Pending:
    """A window of texts that is being read, bucket by bucket."""

    indices: Sequence[Sequence[int]]
    buckets: Sequence["Future[list[Reading]]"]

    def readings(self) -> list[Reading]:
        """Waits for the readings of the window's texts, in their order; raises what a stage did."""
        found: dict[int, Reading] = {}
        for indices, bucket in zip(self.indices, self.buckets, strict=True):
            found |= zip(indices, bucket.result(), strict=True)
        return [found[index] for index in range(len(found))]

    def extractions(self) -> list[Extraction]:
        """Waits for the extractions of the window's texts, where there is one scoring."""
        return [extraction for (extraction,) in self.readings()]

    def cancel(self) -> None:
        for bucket in self.buckets:
            bucket.cancel()


class Predictor:
    """Runs the stages over documents that fit the encoder.

    ``workers`` buckets are read at once, in threads of their own, each operator in
    ``threads_per_worker``; with 0 the calling thread reads. Each of these threads begins with
    ``on_start``.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        builder: BatchBuilder,
        schema: TaskSchema,
        *,
        batching: Batching,
        device: torch.device,
        workers: int = 0,
        threads_per_worker: int = 1,
        on_start: Callable[[], None] | None = None,
    ) -> None:
        self.stages = stages
        self.builder = builder
        self.schema = schema
        self.batching = batching
        self.device = device
        self.workers = workers
        self._pool = _new_pool(workers, threads_per_worker, on_start) if workers else None

    def close(self) -> None:
        """End the threads; what waits to be read is not read any more."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def __call__(self, documents: Iterable[Document]) -> Iterator[Extraction]:
        """Extractions of the documents, in their order.

        Raises DataError on a document that is longer than the encoder's rows hold.
        """
        return (extraction for (extraction,) in self.readings(documents, (final_scores,)))

    def readings(
        self, documents: Iterable[Document], scorings: Sequence[Scoring]
    ) -> Iterator[Reading]:
        """For each document, in order, what each scoring decodes from one run of the stages."""
        remaining = iter(documents)
        while window := list(islice(remaining, self.batching.window)):
            yield from self.begin(self.builder.prepare(window), scorings).readings()

    def predict(self, texts: Sequence[PreparedText]) -> list[Extraction]:
        """Extractions of one window of prepared texts, in their order."""
        return self.begin(texts).extractions()

    def begin(
        self, texts: Sequence[PreparedText], scorings: Sequence[Scoring] = (final_scores,)
    ) -> Pending:
        """Start to read a window of prepared texts; without workers it is read here."""
        indices = list(buckets(texts, self.batching.token_budget, self.builder.special_count))
        return Pending(
            indices,
            [self._submit([texts[index] for index in bucket], scorings) for bucket in indices],
        )

    def _submit(
        self, texts: Sequence[PreparedText], scorings: Sequence[Scoring]
    ) -> "Future[list[Reading]]":
        if self._pool:
            return self._pool.submit(self._read, texts, scorings)
        finished: Future[list[Reading]] = Future()
        finished.set_result(self._read(texts, scorings))
        return finished

    @torch.inference_mode()
    def _read(self, texts: Sequence[PreparedText], scorings: Sequence[Scoring]) -> list[Reading]:
        batch = self.builder.build(texts)
        if not batch.arrays["span_starts"].size:
            empty = [Extraction(text.document.id, text.document.text) for text in batch.texts]
            return [(extraction,) * len(scorings) for extraction in empty]
        tensors = run_stages(self.stages, to_tensors(batch, self.device))
        outputs = HostArrays(tensors)
        base = self.builder.knowledge.base if self.builder.knowledge else None
        decoded = [
            decode(batch, outputs, scoring(outputs), schema=self.schema, base=base)
            for scoring in scorings
        ]
        return list(zip(*decoded, strict=True))


class HostArrays(Mapping[str, npt.NDArray[Any]]):
    """The tensors of a batch as arrays; each one leaves its device when it is first read.

    Decoding reads some 10 of the 416 KB that a sentence has after the last stage.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = tensors
        self._arrays: dict[str, npt.NDArray[Any]] = {}

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name not in self._arrays:
            self._arrays[name] = self._tensors[name].cpu().numpy()
        return self._arrays[name]

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)


def _new_pool(
    workers: int, threads_per_worker: int, on_start: Callable[[], None] | None
) -> ThreadPoolExecutor:
    def start() -> None:
        torch.set_num_threads(threads_per_worker)
        if on_start:
            on_start()

    return ThreadPoolExecutor(workers, "keci-forward", initializer=start)


def to_tensors(batch: Batch, device: torch.device) -> dict[str, Tensor]:
    """The batch's arrays as tensors on ``device``, sharing memory where that is the CPU."""
    return {name: torch.from_numpy(array).to(device) for name, array in batch.arrays.items()}


def buckets(
    texts: Sequence[PreparedText], token_budget: int, special_count: int
) -> Iterator[list[int]]:
    """Indices of the texts in groups of similar length whose padded size fits the budget."""
    lengths = np.array([text.token_count for text in texts]) + special_count
    bucket: list[int] = []
    for index in np.argsort(lengths, kind="stable").tolist():
        if bucket and (len(bucket) + 1) * lengths[index] > token_budget:
            yield bucket
            bucket = []
        bucket.append(index)
    if bucket:
        yield bucket
