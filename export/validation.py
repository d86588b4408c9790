"""Each precision of a bundle judged on validation documents, and the default chosen by it."""

import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from keci.data.datasets import load_dataset
from keci.data.gold import GoldDataset
from keci.data.splits import select_documents
from keci.documents import Document, Extraction
from keci.evaluation import evaluate
from keci.export.exporter import write_manifest
from keci.knowledge.base.store import KnowledgeBase
from keci.prediction import Batching, Predictor
from keci.runtime.bundle import Manifest, read_bundle
from keci.runtime.extractor import RuntimeOptions, open_extractor
from keci.runtime.precision import F1, FP32, is_good_enough

_PASSES = 3
_READ_ALONE = 64

Facts = dict[str, float]


def choose_default_precision(
    bundle: Path, data: Path, ids: Path | None, base: KnowledgeBase | None
) -> Manifest:
    """Record the facts of every precision; the fastest that is good enough becomes the default.

    A precision is good enough if neither entity nor relation F1 is more than 0.3 below that of
    fp32 (of the first precision, where there is no fp32), and if no score of a document changes by
    more than 1e-4 when it is read alone. The facts are ``entity_f1`` and ``relation_f1``, what
    they lost against fp32 as ``entity_f1_loss`` and ``relation_f1_loss``, ``neighbour_change``,
    ``sentences_per_second``, and ``speed`` as a multiple of fp32's.
    """
    manifest = read_bundle(bundle)
    dataset = load_dataset(data, manifest.schema)
    gold = select_documents(dataset, ids) if ids else dataset
    documents = [document.extraction.document for document in gold.documents]
    reference = FP32 if FP32 in manifest.precisions else next(iter(manifest.precisions))

    def open_predictor(precision: str, batching: Batching) -> Predictor:
        options = RuntimeOptions(precision=precision, batching=batching)
        return open_extractor(bundle, base, options).predictor

    predictors = {name: open_predictor(name, Batching()) for name in manifest.precisions}
    predictions, seconds = _timed_passes(predictors, documents)
    facts = {}
    for name, predicted in predictions.items():
        single = open_predictor(name, Batching(token_budget=1))
        few = documents[:_READ_ALONE]
        facts[name] = {
            **_f1(gold, predicted),
            "neighbour_change": largest_change(predicted[: len(few)], single(few)),
            "sentences_per_second": round(len(documents) / median(seconds[name]), 1),
            "speed": round(_speed(seconds[reference], seconds[name]), 2),
        }
    facts = {name: {**fact, **_losses(fact, facts[reference])} for name, fact in facts.items()}
    chosen = replace(manifest, precisions=facts, default_precision=_fastest(facts))
    write_manifest(bundle, chosen)
    return chosen


def drop_other_precisions(bundle: Path) -> Manifest:
    """Remove all precisions of a bundle but its default one, whose facts stay as they are."""
    manifest = read_bundle(bundle)
    kept = manifest.default_precision
    others = manifest.precisions.keys() - {kept}
    files = {
        name: item for name, item in manifest.files.items() if name.split("/")[0] not in others
    }
    smaller = replace(manifest, precisions={kept: manifest.precisions[kept]}, files=files)
    for name in sorted(others):
        shutil.rmtree(bundle / name)
    write_manifest(bundle, smaller)
    return smaller


def _timed_passes(
    predictors: Mapping[str, Predictor], documents: Sequence[Document]
) -> tuple[dict[str, list[Extraction]], dict[str, list[float]]]:
    """What each predicts, and the seconds of its passes, taken in turns."""
    predictions: dict[str, list[Extraction]] = {}
    seconds: dict[str, list[float]] = {name: [] for name in predictors}
    for _ in range(_PASSES):
        for name, predictor in predictors.items():
            started = time.perf_counter()
            predictions[name] = list(predictor(documents))
            seconds[name].append(time.perf_counter() - started)
    return predictions, seconds


def _speed(reference: Sequence[float], seconds: Sequence[float]) -> float:
    return median(slow / fast for slow, fast in zip(reference, seconds, strict=True))


def _f1(gold: GoldDataset, predictions: Sequence[Extraction]) -> Facts:
    scores = evaluate(gold, predictions).official
    figures = (scores.entity.score().f1, scores.relation.score().f1)
    return {name: round(figure, 2) for name, figure in zip(F1, figures, strict=True)}


def _losses(fact: Facts, reference: Facts) -> Facts:
    return {f"{name}_loss": round(reference[name] - fact[name], 2) for name in F1}


def _fastest(facts: Mapping[str, Facts]) -> str:
    good = [name for name, fact in facts.items() if is_good_enough(fact)]
    return max(good or facts, key=lambda name: facts[name]["speed"])


def largest_change(some: Iterable[Extraction], others: Iterable[Extraction]) -> float:
    """Largest difference of a score between two readings of the same documents.

    A mention or relation that only one reading has counts as 1.
    """
    changes = [
        _change(_scores(one), _scores(other)) for one, other in zip(some, others, strict=True)
    ]
    return max(changes, default=0.0)


def _change(
    some: dict[tuple[object, ...], float], others: dict[tuple[object, ...], float]
) -> float:
    if some.keys() != others.keys():
        return 1.0
    return max((abs(some[key] - others[key]) for key in some), default=0.0)


def _scores(extraction: Extraction) -> dict[tuple[object, ...], float]:
    spans = {m.id: (m.start, m.end, m.type) for m in extraction.mentions}
    scores: dict[tuple[object, ...], float] = {
        spans[mention.id]: mention.score or 0.0 for mention in extraction.mentions
    }
    for relation in extraction.relations:
        key = (spans[relation.head], spans[relation.tail], relation.type)
        scores[key] = relation.score or 0.0
    return scores
