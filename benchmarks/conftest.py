"""The models, texts and batches that the pytest-benchmark files share."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from benchmarks.pipeline import Pipeline
from benchmarks.stagewise import row_of
from benchmarks.subject import Choice, Subject, find_subject
from benchmarks.texts import made_documents, sentences_of, write_corpus
from keci.batch import Batch, PreparedText
from keci.documents import Document
from keci.prediction import buckets, to_tensors
from keci.stages import Stage

SENTENCES = 64


@dataclass(frozen=True, slots=True)
class Opened:
    """A model of one shape with 64 sentences, one of their batches, and what its stages read."""

    subject: Subject
    pipeline: Pipeline
    sentences: list[Document]
    texts: list[PreparedText]
    batch: Batch
    stages: dict[str, list[Stage]]
    known: dict[str, Tensor]


@pytest.fixture(scope="session", params=["minilm", "scibert"])
def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Opened]:
    threads = torch.get_num_threads()
    subject = find_subject(Choice(request.param, None, None, None, None))
    corpus = tmp_path_factory.mktemp("corpus") / f"{request.param}.jsonl"
    yield _open(subject, corpus)
    torch.set_num_threads(threads)


def _open(subject: Subject, corpus: Path) -> Opened:
    predictor = subject.setup(device="cpu", threads=1).open().predictor
    pipeline, builder = Pipeline(predictor, corpus), predictor.builder
    base = builder.knowledge.base if builder.knowledge else None
    documents = made_documents(base, builder, sentences=SENTENCES)
    write_corpus(documents, corpus)
    sentences = sentences_of(documents, pipeline.extract.budget)
    texts = builder.prepare(sentences)
    groups = list(buckets(texts, predictor.batching.token_budget, builder.special_count))
    batch = builder.build([texts[index] for index in groups[len(groups) // 2]])
    known, stages = to_tensors(batch, predictor.device), dict[str, list[Stage]]()
    with torch.inference_mode():
        for stage in predictor.stages:
            outputs = stage.run(known)
            stages.setdefault(row_of(outputs), []).append(stage)
            known |= outputs
    return Opened(subject, pipeline, sentences, texts, batch, stages, known)
