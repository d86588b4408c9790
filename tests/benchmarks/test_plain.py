from dataclasses import replace

import pytest
import torch

from benchmarks.plain import PlainExtractor
from keci.config import ModelConfig
from keci.documents import Extraction
from keci.knowledge.base.store import KnowledgeBase
from keci.prediction import Batching, Predictor
from tests.tiny import (
    CONFIG,
    SCHEMA,
    documents,
    knowledge_config,
    tiny_builder,
    tiny_knowledge_base,
)
from tests.tiny_network import decisive_network

TEXTS = documents(
    "rash after abc, pain with abc kinase.",
    "abc",
    "no pain and no skin rash with abcillin (drug) after α-abc",
    "",
    "x y z",
    "pain pain pain rash rash",
)


def plain_and_pipeline(
    config: ModelConfig, base: KnowledgeBase | None, *, seed: int = 13
) -> tuple[list[Extraction], list[Extraction]]:
    network, builder = decisive_network(config, seed=seed), tiny_builder(config, base)
    for name, parameter in network.named_parameters():
        if name.endswith(("positions.weight", "names.weight")):  # they start at zero
            torch.nn.init.normal_(parameter)
    predictor = Predictor(
        network.ordered_stages(),
        builder,
        SCHEMA,
        batching=Batching(),
        device=torch.device("cpu"),
    )
    plain = PlainExtractor(network, builder, SCHEMA)
    return [plain(document) for document in TEXTS], list(predictor(TEXTS))


@pytest.mark.parametrize("final_inputs", ["fused", "fused+span"])
def test_extractions_are_those_of_the_pipeline(final_inputs: str) -> None:
    base = tiny_knowledge_base()
    config = replace(knowledge_config(CONFIG, base), final_inputs=final_inputs)
    assert_same(*plain_and_pipeline(config, base))


@pytest.mark.parametrize("reach", [-1, 0])
def test_context_names_and_reach_are_read_as_well(reach: int) -> None:
    base = tiny_knowledge_base()
    config = replace(
        knowledge_config(CONFIG, base), pair_context=3, name_kinds=True, pair_reach=reach
    )
    assert_same(*plain_and_pipeline(config, base, seed=6))


def test_tokens_that_read_concepts() -> None:
    base = tiny_knowledge_base()
    config = replace(knowledge_config(CONFIG, base), knowledge="tokens", attention_heads=2)
    assert_same(*plain_and_pipeline(config, base, seed=4))


def test_without_its_knowledge_base_fusion_has_sentinels_alone() -> None:
    config = replace(CONFIG, vector_spaces=(), vector_widths=())
    assert_same(*plain_and_pipeline(config, None))


def test_without_knowledge_the_initial_graph_is_decoded() -> None:
    assert_same(*plain_and_pipeline(replace(CONFIG, knowledge="none"), None))


def assert_same(plain: list[Extraction], pipeline: list[Extraction]) -> None:
    assert sum(len(extraction.mentions) for extraction in plain) > 3
    assert sum(len(extraction.relations) for extraction in plain) > 1
    for one, other in zip(plain, pipeline, strict=True):
        assert without_scores(one) == without_scores(other)
        assert scores(one) == pytest.approx(scores(other), abs=1e-4)


def without_scores(extraction: Extraction) -> object:
    mentions = [(m.id, m.start, m.end, m.type) for m in extraction.mentions]
    relations = [(r.head, r.tail, r.type) for r in extraction.relations]
    concepts = [sorted(link.id for link in m.concepts) for m in extraction.mentions]
    return extraction.id, extraction.text, mentions, relations, concepts


def scores(extraction: Extraction) -> list[float]:
    found = [mention.score for mention in extraction.mentions]
    found += [relation.score for relation in extraction.relations]
    found += [mention.context_weight for mention in extraction.mentions]
    found += [
        link.weight
        for mention in extraction.mentions
        for link in sorted(mention.concepts, key=lambda link: link.id)
    ]
    return [0.0 if score is None else score for score in found]
