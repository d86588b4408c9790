"""Each precision of a bundle scored on validation documents, and the default chosen by it."""

import time
from dataclasses import replace
from pathlib import Path

from keci.export.exporter import FP32, write_manifest
from keci.knowledge.store import KnowledgeBase
from keci.runtime.bundle import Manifest, read_bundle
from keci.runtime.extractor import RuntimeOptions, open_extractor
from keci.training.datasets import load_dataset
from keci.training.scoring import evaluate
from keci.training.splits import select_documents

MAX_F1_LOSS = 0.3
NEIGHBOUR_DEPENDENT = frozenset(("int8",))
"""Precisions whose activation scale is taken over a whole batch."""


def choose_default_precision(
    bundle: Path, data: Path, ids: Path | None, base: KnowledgeBase | None
) -> Manifest:
    """Record speed and F1 of every precision; the fastest with little loss becomes the default.

    A precision qualifies if neither entity nor relation F1 is more than 0.3 below that of fp32
    (of the first precision, where there is no fp32), and if its answers do not depend on what
    else is in a batch.
    """
    manifest = read_bundle(bundle)
    dataset = load_dataset(data, manifest.schema)
    gold = select_documents(dataset, ids) if ids else dataset
    documents = [document.extraction.document for document in gold.documents]
    facts = {}
    for precision in manifest.precisions:
        predictor = open_extractor(bundle, base, RuntimeOptions(precision=precision)).predictor
        started = time.perf_counter()
        predictions = list(predictor(documents))
        seconds = time.perf_counter() - started
        scores = evaluate(gold, predictions).official
        facts[precision] = {
            "entity_f1": round(scores.entity.score().f1, 2),
            "relation_f1": round(scores.relation.score().f1, 2),
            "sentences_per_second": round(len(documents) / seconds, 1),
        }
    chosen = replace(manifest, precisions=facts, default_precision=_fastest(facts))
    write_manifest(bundle, chosen)
    return chosen


def _fastest(facts: dict[str, dict[str, float]]) -> str:
    reference = facts.get(FP32, next(iter(facts.values())))
    good = [
        precision
        for precision, fact in facts.items()
        if precision not in NEIGHBOUR_DEPENDENT and _loses_little(fact, reference)
    ]
    return max(good or facts, key=lambda precision: facts[precision]["sentences_per_second"])


def _loses_little(fact: dict[str, float], reference: dict[str, float]) -> bool:
    figures = ("entity_f1", "relation_f1")
    return all(fact[name] >= reference[name] - MAX_F1_LOSS for name in figures)
