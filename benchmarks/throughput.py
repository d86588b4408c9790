"""Sentences per second from text to jsonl, beside the encoder alone and the plain reference.

``python -m benchmarks.throughput [--json] [--shape scibert|minilm] ...``: each round measures the
three and the machine's peak one after the other, so that what else runs on the machine hits all
alike. Figures are medians over the rounds, ratios the medians of each round's ratio. Those of
processor time count what this program was given of the cores alone, which other load leaves as it
is but for caches.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch

from benchmarks.memory import peak_rss_megabytes
from benchmarks.peaks import gemm_peak, operations_per_sentence
from benchmarks.pipeline import Pipeline, Setup, padding_share
from benchmarks.plain import PlainExtractor
from benchmarks.shapes import SHAPES
from benchmarks.stagewise import ROWS, stage_seconds
from benchmarks.subject import Choice, Subject, find_subject
from benchmarks.texts import (
    made_documents,
    read_documents,
    sentences_of,
    spread_sample,
    write_corpus,
)
from keci.cli.options import errors_told
from keci.documents import Document
from keci.export.precision import PRECISIONS
from keci.opening import collect_rarely
from keci.runtime.precision import FP32
from keci.runtime.threads import usable_cores

STAGE_SHARE = 4
"""The stages are timed on every fourth document, which keeps a round short."""

TRIAL_SENTENCES = 4


class Rate(NamedTuple):
    """Sentences a second: of the clock, and of processor time."""

    wall: float
    processor: float

    @classmethod
    def of(cls, sentences: int, run: Callable[[], float]) -> "Rate":
        """That of a ``run`` which tells its seconds."""
        started = time.process_time()
        seconds = run()
        return cls(sentences / seconds, sentences / (time.process_time() - started))


@dataclass(frozen=True, slots=True)
class Round:
    """One round's sentences per second, peak in operations per second, seconds per stage."""

    end_to_end: Rate
    encoder_only: Rate
    reference: float
    peak: float
    stages: dict[str, float]


@dataclass(frozen=True, slots=True)
class Workload:
    """The pipeline on its corpus, and the same texts as the other parts of a round need them."""

    subject: Subject
    setup: Setup
    pipeline: Pipeline
    stage_corpus: Path
    sentences: int
    sample: Sequence[Document]
    plain: PlainExtractor
    plain_threads: int


def main() -> None:
    options = _parser().parse_args()
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(message)s")
    with tempfile.TemporaryDirectory() as scratch:
        report = measure(options, Path(scratch))
    print(json.dumps(report) if options.json else _as_text(report))


def measure(options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """The report: first the keys that are promised, then what the figures belong to."""
    choice = Choice(options.shape, options.precision, options.model, options.run, options.kb)
    workload = _prepare(find_subject(choice), options, scratch)
    pipeline, subject, setup = workload.pipeline, workload.subject, workload.setup
    batches = pipeline.encoder_batches()
    operations = operations_per_sentence(
        subject.network, pipeline.predictor.builder, workload.sample
    )
    rounds = []
    for number in range(1, options.rounds + 1):
        rounds.append(_round(workload, pipeline, batches))
        print(f"round {number} of {options.rounds}", file=sys.stderr)
    typical = _typical(rounds)
    return {
        "end_to_end_per_s": typical(lambda r: r.end_to_end.wall),
        "encoder_only_per_s": typical(lambda r: r.encoder_only.wall),
        "reference_per_s": typical(lambda r: r.reference),
        "end_to_end_over_encoder": typical(lambda r: r.end_to_end.wall / r.encoder_only.wall),
        "speedup_over_reference": typical(lambda r: r.end_to_end.wall / r.reference),
        "peak_rss_mb": round(peak_rss_megabytes(setup, pipeline.corpus), 1),
        "padding_share": round(padding_share(batches), 4),
        "gemm_peak_share": typical(lambda r: operations * r.end_to_end.wall / r.peak),
        "stages_ms": {row: round(1000 * median(r.stages[row] for r in rounds), 4) for row in ROWS},
        "end_to_end_per_processor_s": typical(lambda r: r.end_to_end.processor),
        "encoder_only_per_processor_s": typical(lambda r: r.encoder_only.processor),
        "shape": options.shape,
        "precision": subject.precision,
        "threads": options.threads,
        "sentences": workload.sentences,
        "gflop_per_sentence": round(operations / 1e9, 3),
        "commit": _commit(),
        "rounds": options.rounds,
        "gemm_peak_gflops": typical(lambda r: r.peak / 1e9),
        "device": options.device,
        "workers": pipeline.workers,
        "model": subject.name,
        "reference_weights": "the model's" if subject.has_equal_weights else "random",
        "reference_sentences": len(workload.sample),
        "reference_threads": workload.plain_threads,
        "knowledge_base": pipeline.base_name,
        "texts": options.corpus.name if options.corpus else "made",
    }


def _prepare(subject: Subject, options: argparse.Namespace, scratch: Path) -> Workload:
    setup = subject.setup(device=options.device, threads=options.threads)
    corpus, stage_corpus = scratch / "corpus.jsonl", scratch / "stages.jsonl"
    extractor = setup.open()
    collect_rarely()
    pipeline = Pipeline(extractor.predictor, corpus)
    builder, budget = pipeline.predictor.builder, pipeline.extract.budget
    if options.corpus:
        documents = read_documents(options.corpus, budget, sentences=options.sentences)
    else:
        base = builder.knowledge.base if builder.knowledge else None
        documents = made_documents(base, builder, sentences=options.sentences)
    write_corpus(documents, corpus)
    write_corpus(documents[::STAGE_SHARE], stage_corpus)
    sentences = sentences_of(documents, budget)
    sample = spread_sample(sentences, options.reference_sentences)
    plain = PlainExtractor(subject.network, builder, extractor.manifest.schema)
    return Workload(
        subject,
        setup,
        pipeline,
        stage_corpus,
        len(sentences),
        sample,
        plain,
        _best_threads(plain, sample, options.threads),
    )


def _round(workload: Workload, pipeline: Pipeline, batches: Sequence[Any]) -> Round:
    setup = workload.setup
    end_to_end = Rate.of(workload.sentences, pipeline.run)
    encoder_only = Rate.of(workload.sentences, lambda: pipeline.run_encoder(batches))
    stages = stage_seconds(pipeline.extract, workload.stage_corpus)
    seconds = _seconds_of_plain(workload.plain, workload.sample, workload.plain_threads)
    peak = gemm_peak(workload.subject.precision, torch.device(setup.device), setup.threads)
    return Round(end_to_end, encoder_only, len(workload.sample) / seconds, peak, stages)


def _best_threads(plain: PlainExtractor, sample: Sequence[Document], threads: int) -> int:
    """One thread or all: what the reference runs faster with, which on a busy machine is one."""
    few = spread_sample(sample, TRIAL_SENTENCES)
    plain(few[-1])
    return min((threads, 1), key=lambda number: _seconds_of_plain(plain, few, number))


def _seconds_of_plain(plain: PlainExtractor, sample: Sequence[Document], threads: int) -> float:
    intra_op = torch.get_num_threads()
    torch.set_num_threads(threads)
    started = time.perf_counter()
    for sentence in sample:
        plain(sentence)
    seconds = time.perf_counter() - started
    torch.set_num_threads(intra_op)
    return seconds


def _typical(rounds: Sequence[Round]) -> Callable[[Callable[[Round], float]], float]:
    return lambda figure: round(median(figure(r) for r in rounds), 4)


def _commit() -> str | None:
    """The commit that is checked out, with a plus where files differ from it."""
    root = Path(__file__).resolve().parent.parent
    try:
        name, changes = (
            subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
            for words in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain"))
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return name.stdout.strip() + ("+" if changes.stdout.strip() else "")


def _as_text(report: dict[str, Any]) -> str:
    width = max(map(len, report))
    lines = [f"{name:{width}}  {value}" for name, value in report.items() if name != "stages_ms"]
    stages: dict[str, float] = report["stages_ms"]
    total = sum(stages.values())
    lines += ["", "ms per sentence, one batch at a time in one thread"]
    lines += [f"{row:{width}}  {ms:8.3f}  {ms / total:6.1%}" for row, ms in stages.items()]
    return "\n".join([*lines, f"{'all':{width}}  {total:8.3f}"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--shape", choices=SHAPES, default="minilm")
    parser.add_argument(
        "--precision", choices=PRECISIONS, help=f"the bundle's default, or {FP32}, if not given"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--corpus", type=Path, help="what keci-extract reads; made texts if none")
    parser.add_argument("--kb", type=Path, help="folder of a knowledge base")
    parser.add_argument("--model", help="a bundle, a shipped model or a training run")
    parser.add_argument("--run", type=Path, help="the training run that a bundle was made from")
    parser.add_argument("--sentences", type=int, default=600)
    parser.add_argument("--reference-sentences", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    return parser


if __name__ == "__main__":
    with errors_told():
        main()
