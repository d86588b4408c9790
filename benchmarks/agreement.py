"""Whether the pipeline finds what the plain reference finds, and the same however it is batched.

``python -m benchmarks.agreement --run RUN --corpus FILE --sentences 2000``: entities, relations
and triples (a relation with the spans and types of both ends) that both have, as a share of those
that either has, and the largest difference of the scores of common ones.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.plain import PlainExtractor
from benchmarks.subject import Choice, Subject, find_subject
from benchmarks.texts import read_documents, sentences_of
from keci.cli.options import errors_told
from keci.corpus.extraction import CorpusExtractor
from keci.documents import Document, Extraction
from keci.knowledge.base.store import open_knowledge_base
from keci.prediction import Batching
from keci.runtime.extractor import Extractor, RuntimeOptions, open_extractor
from keci.runtime.precision import FP32

OPTIONS = {
    "budget 128, window 64": RuntimeOptions(batching=Batching(128, 64)),
    "budget 2048": RuntimeOptions(batching=Batching(2048, 512)),
    "window 2000": RuntimeOptions(batching=Batching(window=2000)),
    "one text a batch": RuntimeOptions(batching=Batching(1, 1)),
    "1 thread": RuntimeOptions(threads=1),
    "3 threads": RuntimeOptions(threads=3),
    "blocks of 100 pairs": RuntimeOptions(pairs_at_once=100),
}

Found = dict[tuple[object, ...], float]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Common items as a share of all, in percent, and the largest difference of their scores."""

    entities: float
    triples: float
    score_difference: float
    same_documents: int
    documents: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of a training run")
    parser.add_argument("--corpus", type=Path, required=True, help="texts, cut into sentences")
    parser.add_argument("--kb", type=Path, help="knowledge base; the default one if not given")
    parser.add_argument("--precision", default=FP32)
    parser.add_argument("--sentences", type=int, default=2000)
    parser.add_argument("--model", help="bundle to compare; made of the run if not given")
    given = parser.parse_args()
    choice = Choice("minilm", given.precision, given.model, given.run, given.kb)
    subject = find_subject(choice)
    extractor = _open(subject, RuntimeOptions())
    budget = CorpusExtractor(extractor.predictor, unit="sentence").budget
    documents = read_documents(given.corpus, budget, sentences=given.sentences)
    sentences = sentences_of(documents, budget)[: given.sentences]
    usual = list(extractor.predictor(sentences))
    report: dict[str, object] = {"sentences": len(sentences), "precision": subject.precision}
    for name, options in OPTIONS.items():
        other = list(_open(subject, options).predictor(sentences))
        report[name] = _record(compare(usual, other))
    report["a second run has the same records"] = usual == list(extractor.predictor(sentences))
    report["plain reference"] = _record(compare(usual, _plain(subject, extractor, sentences)))
    print(json.dumps(report, indent=2))


def compare(first: Sequence[Extraction], second: Sequence[Extraction]) -> Agreement:
    """How far two readings of the same documents agree."""
    entities: list[bool] = []
    triples: list[bool] = []
    differences, same = [0.0], 0
    for one, other in zip(first, second, strict=True):
        pairs = (_entities(one), _entities(other)), (_triples(one), _triples(other))
        same += all(a.keys() == b.keys() for a, b in pairs)
        for shares, (a, b) in zip((entities, triples), pairs, strict=True):
            shares += [key in a and key in b for key in a.keys() | b.keys()]
            differences += [abs(a[key] - b[key]) for key in a.keys() & b.keys()]
    return Agreement(_percent(entities), _percent(triples), max(differences), same, len(first))


def _open(subject: Subject, options: RuntimeOptions) -> Extractor:
    base = open_knowledge_base(subject.base)
    return open_extractor(subject.bundle, base, replace(options, precision=subject.precision))


def _plain(subject: Subject, extractor: Extractor, sentences: list[Document]) -> list[Extraction]:
    builder = extractor.predictor.builder
    return list(map(PlainExtractor(subject.network, builder, extractor.manifest.schema), sentences))


def _entities(extraction: Extraction) -> Found:
    return {(m.start, m.end, m.type): m.score or 0.0 for m in extraction.mentions}


def _triples(extraction: Extraction) -> Found:
    ends = {m.id: (m.start, m.end, m.type) for m in extraction.mentions}
    return {(ends[r.head], r.type, ends[r.tail]): r.score or 0.0 for r in extraction.relations}


def _percent(common: Sequence[bool]) -> float:
    return 100 * sum(common) / len(common) if common else 100.0


def _record(agreement: Agreement) -> dict[str, float]:
    return {
        "entities": round(agreement.entities, 3),
        "triples": round(agreement.triples, 3),
        "score_difference": round(agreement.score_difference, 6),
        "same_documents": agreement.same_documents,
        "documents": agreement.documents,
    }


if __name__ == "__main__":
    with errors_told():
        main()
