"""Where the time goes: the pipeline taken apart, one batch at a time in one thread."""

import io
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.pipeline import finish_device
from keci.batch import Batch, PreparedText
from keci.corpus.assembly import reassemble
from keci.corpus.extraction import CorpusExtractor
from keci.corpus.reader import CorpusReader
from keci.corpus.records import Record, chunks
from keci.decoding import decode, final_scores
from keci.documents import Document, Extraction
from keci.formats import jsonl
from keci.prediction import HostArrays, Predictor, buckets, to_tensors
from keci.text.windows import text_units

STAGE_OF_OUTPUT = {
    "token_states": "encode",
    "entity_logits": "span_scores",
    "kept_spans": "prune_and_pairs",
    "pair_heads": "prune_and_pairs",
    "pair_contexts": "pair_contexts",
    "relation_logits": "pair_scores",
    "graph_states": "span_gcn",
    "concept_states": "concept_gcn",
    "fused_states": "fusion",
    "final_entity_logits": "final_scores",
    "final_relation_logits": "final_scores",
}
"""The row of the table that a stage belongs to, by a tensor that it gives."""

ROWS = (
    "read", "tokenise", "link", "graph_build", *dict.fromkeys(STAGE_OF_OUTPUT.values()),
    "decode", "write",
)  # fmt: skip


class StageClock:
    """Adds up the seconds of each row of ROWS."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds = dict.fromkeys(ROWS, 0.0)

    @contextmanager
    def __call__(self, row: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        finish_device(self.device)
        self.seconds[row] += time.perf_counter() - started

    def run_stages(self, predictor: Predictor, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The fold of keci.stages.run_stages, timed."""
        known = dict(tensors)
        for stage in predictor.stages:
            started = time.perf_counter()
            outputs = stage.run(known)
            finish_device(self.device)
            self.seconds[row_of(outputs)] += time.perf_counter() - started
            known.update(outputs)
        return known


def row_of(outputs: Mapping[str, Tensor]) -> str:
    """The row of a stage with these outputs."""
    return next(STAGE_OF_OUTPUT[name] for name in outputs if name in STAGE_OF_OUTPUT)


@torch.inference_mode()
def stage_seconds(extract: CorpusExtractor, corpus: Path) -> dict[str, float]:
    """Seconds per sentence of each row of ROWS on the jsonl file ``corpus``."""
    clock = StageClock(extract.predictor.device)
    sentences = 0
    records = CorpusReader([str(corpus)]).read()
    for chunk in chunks(records, lambda record: record):
        sentences += _take_apart(extract, chunk, clock)
    return {row: seconds / max(sentences, 1) for row, seconds in clock.seconds.items()}


def _take_apart(extract: CorpusExtractor, chunk: Sequence[Record], clock: StageClock) -> int:
    documents = [record.content for record in chunk if isinstance(record.content, Document)]
    builder = extract.predictor.builder
    with clock("read"):
        units = [
            text_units(item.text, unit="sentence", budget=extract.budget) for item in documents
        ]
    sentences = [
        Document(document.id, unit.text)
        for document, parts in zip(documents, units, strict=True)
        for unit in parts
    ]
    with clock("link"):
        linked = [builder.link(sentence.text) for sentence in sentences]
    with clock("tokenise"):
        texts = builder.prepare(sentences, linked)
    found = iter(_read(extract.predictor, texts, clock))
    with clock("write"):
        sink = io.BytesIO()
        for document, parts in zip(documents, units, strict=True):
            extraction = reassemble(document, parts, [next(found) for _ in parts])
            sink.write(jsonl.encode(extraction))
    return len(sentences)


def _read(
    predictor: Predictor, texts: Sequence[PreparedText], clock: StageClock
) -> list[Extraction]:
    builder = predictor.builder
    found: dict[int, Extraction] = {}
    for indices in buckets(texts, predictor.batching.token_budget, builder.special_count):
        with clock("graph_build"):
            batch = builder.build([texts[index] for index in indices])
            tensors = to_tensors(batch, predictor.device)
        known = clock.run_stages(predictor, tensors)
        with clock("decode"):
            extractions = decode_batch(predictor, batch, known)
        found |= zip(indices, extractions, strict=True)
    return [found[index] for index in range(len(texts))]


def decode_batch(
    predictor: Predictor, batch: Batch, known: Mapping[str, Tensor]
) -> list[Extraction]:
    """The extractions of a batch from what the stages made of it."""
    outputs = HostArrays(known)
    knowledge = predictor.builder.knowledge
    return decode(
        batch,
        outputs,
        final_scores(outputs),
        schema=predictor.schema,
        base=knowledge.base if knowledge else None,
    )
