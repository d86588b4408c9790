"""The encoder in every precision: speed, error, F1, and whether an answer depends on the batch.

``python -m benchmarks.precision RUN --data FILE --ids FILE --kb DIR``: all other stages run in
torch fp32. The encoders take turns on every batch that the predictor makes; speed is the median
over the passes of fp32's seconds by theirs. The error is that of all token states against fp32's,
as a share of their size; the change the largest of a token's state when its text is read alone.
"""

import argparse
import json
import logging
import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from benchmarks.agreement import compare
from benchmarks.conversions import HalfStage, conversions
from keci.cli.options import errors_told
from keci.data.datasets import load_dataset
from keci.data.splits import select_documents
from keci.documents import Document, Extraction
from keci.evaluation import evaluate
from keci.export.graphs import export_stage
from keci.export.parity import probe_tensors
from keci.opening import ModelOptions, open_model
from keci.prediction import Predictor, buckets, to_tensors
from keci.runtime.precision import FP32
from keci.runtime.session import OnnxStage
from keci.stages import Stage, TorchStage
from keci.training.checkpoint import LoadedRun, load_run

ALONE = 48
"""Documents whose texts are read alone as well."""

Tensors = Mapping[str, Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a training run")
    parser.add_argument("--data", type=Path, required=True, help="annotated documents")
    parser.add_argument("--ids", type=Path, help="ids of the documents of --data to use")
    parser.add_argument("--kb", type=Path, help="knowledge base; the default one if not given")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--passes", type=int, default=5)
    options = parser.parse_args()
    logging.getLogger().setLevel(logging.WARNING)  # one of the quantisers lowers it when imported
    torch.set_num_threads(options.threads)
    loaded = load_run(options.run)
    with tempfile.TemporaryDirectory() as scratch:
        encoders = _encoders(loaded, Path(scratch), threads=options.threads)
    dataset = load_dataset(options.data, loaded.settings.schema)
    gold = select_documents(dataset, options.ids) if options.ids else dataset
    documents = [document.extraction.document for document in gold.documents]
    predictor = open_model(
        ModelOptions(model=str(options.run), kb=options.kb), reads_runs=True, needs_base=True
    ).predictor
    batches = _batches(predictor, documents)
    seconds = _seconds(encoders, batches, options.passes)
    usual = _predictions(predictor, encoders[FP32], documents)
    for name, encoder in encoders.items():
        predicted = _predictions(predictor, encoder, documents)
        scores = evaluate(gold, predicted).official
        figures = {
            "encoder": name,
            "speed": round(_ratio(seconds[FP32], seconds[name]), 2),
            "state_error": round(_error(encoders[FP32], encoder, batches), 4),
            "change_when_alone": round(
                _change(predictor, encoder, documents[:: _step(documents)]), 6
            ),
            "entity_f1": round(scores.entity.score().f1, 2),
            "relation_f1": round(scores.relation.score().f1, 2),
            "same_triples": round(compare(usual, predicted).triples, 2),
        }
        print(json.dumps(figures), flush=True)


def _encoders(loaded: LoadedRun, scratch: Path, *, threads: int) -> dict[str, Stage]:
    encoder = next(iter(loaded.network.ordered_stages()))
    assert isinstance(encoder, TorchStage)
    probes = probe_tensors(loaded)
    plain = scratch / "plain.onnx"
    with torch.no_grad():
        export_stage(encoder, probes[0], plain)
    found: dict[str, Stage] = {}
    for name, convert in conversions().items():
        target = scratch / "converted.onnx"
        convert(plain, target, probes)
        found[name] = OnnxStage(target, device="cpu", threads=threads)
    return {**found, "torch fp32": encoder, "torch bf16": HalfStage(encoder)}


def _batches(predictor: Predictor, documents: Sequence[Document]) -> list[Tensors]:
    texts = predictor.builder.prepare(documents)
    budget, special = predictor.batching.token_budget, predictor.builder.special_count
    return [
        to_tensors(predictor.builder.build([texts[index] for index in indices]), predictor.device)
        for indices in buckets(texts, budget, special)
    ]


@torch.inference_mode()
def _states(encoder: Stage, batch: Tensors) -> Tensor:
    return encoder.run(batch)["token_states"]


def _seconds(
    encoders: Mapping[str, Stage], batches: Sequence[Tensors], passes: int
) -> dict[str, list[float]]:
    """Seconds of each pass; the first, not counted, warms up."""
    passed: dict[str, list[float]] = {name: [] for name in encoders}
    for _ in range(passes + 1):
        total = dict.fromkeys(encoders, 0.0)
        for batch in batches:
            for name, encoder in encoders.items():
                started = time.perf_counter()
                _states(encoder, batch)
                total[name] += time.perf_counter() - started
        for name, seconds in total.items():
            passed[name].append(seconds)
    return {name: seconds[1:] for name, seconds in passed.items()}


def _ratio(reference: Sequence[float], seconds: Sequence[float]) -> float:
    return median(slow / fast for slow, fast in zip(reference, seconds, strict=True))


def _error(reference: Stage, encoder: Stage, batches: Sequence[Tensors]) -> float:
    expected = torch.cat([_states(reference, batch) for batch in batches])
    found = torch.cat([_states(encoder, batch) for batch in batches])
    return float((found - expected).norm() / expected.norm())


def _step(documents: Sequence[Document]) -> int:
    return max(1, len(documents) // ALONE)


def _change(predictor: Predictor, encoder: Stage, documents: Sequence[Document]) -> float:
    worst = 0.0
    for batch in _batches(predictor, documents):
        together = _states(encoder, batch)
        splits, columns = batch["token_splits"].tolist(), batch["input_ids"].shape[1]
        for row, (start, end) in enumerate(pairwise(splits)):
            length = int(batch["attention_mask"][row].sum())
            alone = {
                "input_ids": batch["input_ids"][row : row + 1, :length],
                "attention_mask": batch["attention_mask"][row : row + 1, :length],
                "token_slots": batch["token_slots"][start:end] - row * columns,
            }
            difference = (_states(encoder, alone) - together[start:end]).abs()
            worst = max(worst, float(difference.amax()))
    return worst


def _predictions(
    predictor: Predictor, encoder: Stage, documents: Sequence[Document]
) -> list[Extraction]:
    stages = [encoder, *predictor.stages[1:]]
    changed = Predictor(
        stages,
        predictor.builder,
        predictor.schema,
        batching=predictor.batching,
        device=predictor.device,
    )
    return list(changed(documents))


if __name__ == "__main__":
    with errors_told():
        main()
