"""Each step of the pipeline alone, one thread: ``pytest benchmarks --benchmark-only``.

The rows of the model are timed on one batch of about 640 word pieces, the others on 64 sentences.
"""

import io

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import Opened
from benchmarks.stagewise import STAGE_OF_OUTPUT, decode_batch
from keci.formats import jsonl


def test_tokenise(benchmark: BenchmarkFixture, opened: Opened) -> None:
    builder = opened.pipeline.predictor.builder
    linked = [text.concept_mentions for text in opened.texts]
    benchmark(builder.prepare, opened.sentences, linked)


def test_link(benchmark: BenchmarkFixture, opened: Opened) -> None:
    link = opened.pipeline.predictor.builder.link
    benchmark(lambda: [link(sentence.text) for sentence in opened.sentences])


def test_graph_build(benchmark: BenchmarkFixture, opened: Opened) -> None:
    benchmark(opened.pipeline.predictor.builder.build, opened.batch.texts)


@pytest.mark.parametrize("row", dict.fromkeys(STAGE_OF_OUTPUT.values()))
def test_model(benchmark: BenchmarkFixture, opened: Opened, row: str) -> None:
    def run() -> None:
        with torch.inference_mode():
            for stage in opened.stages[row]:
                stage.run(opened.known)

    benchmark(run)


def test_decode(benchmark: BenchmarkFixture, opened: Opened) -> None:
    benchmark(decode_batch, opened.pipeline.predictor, opened.batch, opened.known)


def test_write(benchmark: BenchmarkFixture, opened: Opened) -> None:
    predictor = opened.pipeline.predictor
    extractions = decode_batch(predictor, opened.batch, opened.known)
    benchmark(lambda: jsonl.write(extractions, io.BytesIO()))
