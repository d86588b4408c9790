"""From text to jsonl, the encoder alone on the same batches, and the plain reference."""

from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import Opened
from benchmarks.plain import PlainExtractor

ROUNDS = 5


def test_end_to_end(benchmark: BenchmarkFixture, opened: Opened) -> None:
    benchmark.extra_info["sentences"] = len(opened.sentences)
    benchmark.pedantic(opened.pipeline.run, rounds=ROUNDS, warmup_rounds=1)  # type: ignore[no-untyped-call]


def test_encoder_only(benchmark: BenchmarkFixture, opened: Opened) -> None:
    benchmark.extra_info["sentences"] = len(opened.sentences)
    batches = opened.pipeline.encoder_batches()
    benchmark.pedantic(opened.pipeline.run_encoder, (batches,), rounds=ROUNDS)  # type: ignore[no-untyped-call]


def test_plain_reference(benchmark: BenchmarkFixture, opened: Opened) -> None:
    predictor = opened.pipeline.predictor
    plain = PlainExtractor(opened.subject.network, predictor.builder, predictor.schema)
    median_sentence = sorted(opened.sentences, key=lambda s: len(s.text))[
        len(opened.sentences) // 2
    ]
    benchmark.pedantic(plain, (median_sentence,), rounds=ROUNDS, warmup_rounds=1)  # type: ignore[no-untyped-call]
