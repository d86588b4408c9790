from dataclasses import replace
from pathlib import Path

import pytest
import torch

from keci.batch import BatchBuilder
from keci.documents import Document, Extraction
from keci.errors import UsageError
from keci.knowledge.vocabularies import Knowledge
from keci.prediction import Batching, Predictor
from keci.runtime.bundle import read_manifest
from keci.runtime.extractor import BatchSizes, RuntimeOptions, open_extractor
from keci.training.checkpoint import load_run
from tests.tiny import tiny_knowledge_base

TEXTS = (
    "rash after abc",
    "pain with drug",
    "",
    "the  (abc-kinase) had pain, rash; αβγ",
    "x",
    "rash",
)
DOCUMENTS = [Document(str(number), text) for number, text in enumerate(TEXTS)]


def torch_extractions(run: Path) -> list[Extraction]:
    loaded = load_run(run)
    config = loaded.settings.model
    builder = BatchBuilder(
        loaded.tokenizer,
        config,
        max_pieces=loaded.max_pieces,
        knowledge=Knowledge(tiny_knowledge_base(), config),
    )
    predictor = Predictor(
        loaded.network.ordered_stages(),
        builder,
        loaded.settings.schema,
        batching=Batching(),
        device=torch.device("cpu"),
    )
    return list(predictor(DOCUMENTS))


def structure(extraction: Extraction) -> tuple[object, ...]:
    mentions = [(m.id, m.start, m.end, m.type) for m in extraction.mentions]
    relations = [(r.head, r.tail, r.type) for r in extraction.relations]
    return extraction.id, mentions, relations


def assert_same(found: list[Extraction], expected: list[Extraction]) -> None:
    assert list(map(structure, found)) == list(map(structure, expected))
    for one, other in zip(found, expected, strict=True):
        pairs = [
            *zip(one.mentions, other.mentions, strict=True),
            *zip(one.relations, other.relations, strict=True),
        ]
        assert all(abs(a.score - b.score) <= 1e-4 for a, b in pairs)


def test_bundle_extracts_what_the_checkpoint_does(tiny_run: Path, tiny_bundle: Path) -> None:
    extractor = open_extractor(tiny_bundle, tiny_knowledge_base(), RuntimeOptions("fp32"))
    found = list(extractor.predictor(DOCUMENTS))
    assert any(extraction.mentions for extraction in found)
    assert any(mention.concepts for extraction in found for mention in extraction.mentions)
    assert_same(found, torch_extractions(tiny_run))


@pytest.mark.parametrize("batching", [Batching(12, 1), Batching(30, 2), Batching(10_000, 512)])
def test_batching_changes_no_answer(tiny_bundle: Path, batching: Batching) -> None:
    base = tiny_knowledge_base()
    plain = open_extractor(tiny_bundle, base, RuntimeOptions("fp32"))
    other = open_extractor(tiny_bundle, base, RuntimeOptions("fp32", batching=batching))
    assert_same(list(other.predictor(DOCUMENTS)), list(plain.predictor(DOCUMENTS)))


@pytest.mark.parametrize("options", [{"threads": 1}, {"threads": 3}, {"pairs_at_once": 5}])
def test_threads_and_blocks_change_no_answer(tiny_bundle: Path, options: dict[str, int]) -> None:
    base, batching = tiny_knowledge_base(), Batching(30, 512)
    plain = open_extractor(tiny_bundle, base, RuntimeOptions("fp32"))
    other = open_extractor(
        tiny_bundle, base, replace(RuntimeOptions("fp32", batching=batching), **options)
    )
    assert_same(list(other.predictor(DOCUMENTS)), list(plain.predictor(DOCUMENTS)))


def test_what_is_read_at_once_suits_the_device(tiny_bundle: Path) -> None:
    assert BatchSizes.of("cpu").batching.token_budget < BatchSizes.of("cuda").batching.token_budget
    for batching, expected in ((None, BatchSizes.of("cpu").batching), (Batching(9), Batching(9))):
        options = RuntimeOptions(batching=batching)
        assert open_extractor(tiny_bundle, None, options).predictor.batching == expected


def test_weights_of_a_mention_sum_to_one(tiny_bundle: Path) -> None:
    extractor = open_extractor(tiny_bundle, tiny_knowledge_base(), RuntimeOptions())
    for extraction in extractor.predictor(DOCUMENTS):
        for mention in extraction.mentions:
            total = mention.context_weight + sum(link.weight for link in mention.concepts)
            assert total == pytest.approx(1, abs=1e-4)


def test_without_knowledge_base_only_context_counts(tiny_bundle: Path) -> None:
    extractor = open_extractor(tiny_bundle, None, RuntimeOptions())
    mentions = [m for e in extractor.predictor(DOCUMENTS) for m in e.mentions]
    assert mentions
    assert all(mention.context_weight == 1 and not mention.concepts for mention in mentions)


def test_a_bundle_with_enriched_tokens_has_no_final_stages(token_bundle: Path) -> None:
    stages = list(read_manifest(token_bundle).stages)
    assert stages == ["encoder", "span_scorer", "pair_scorer"]


@pytest.mark.parametrize("batching", [Batching(), Batching(12, 1), Batching(30, 2)])
def test_a_bundle_with_enriched_tokens_extracts_what_the_checkpoint_does(
    token_run: Path, token_bundle: Path, batching: Batching
) -> None:
    options = RuntimeOptions(batching=batching)
    found = list(open_extractor(token_bundle, tiny_knowledge_base(), options).predictor(DOCUMENTS))
    assert_same(found, torch_extractions(token_run))
    mentions = [mention for extraction in found for mention in extraction.mentions]
    assert any(extraction.relations for extraction in found)
    assert any(mention.concepts for mention in mentions)
    for mention in mentions:
        total = mention.context_weight + sum(link.weight for link in mention.concepts)
        assert total == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_enriched_tokens_need_no_knowledge_base(precision: str, token_bundle: Path) -> None:
    extractor = open_extractor(token_bundle, None, RuntimeOptions(precision))
    mentions = [m for e in extractor.predictor(DOCUMENTS) for m in e.mentions]
    assert mentions
    assert all(mention.context_weight == 1 and not mention.concepts for mention in mentions)


@pytest.mark.skipif(torch.cuda.is_available(), reason="the machine has CUDA")
def test_a_missing_device_is_an_error(tiny_bundle: Path) -> None:
    with pytest.raises(UsageError, match="device cuda cannot be used: "):
        open_extractor(tiny_bundle, None, RuntimeOptions(device="cuda"))
