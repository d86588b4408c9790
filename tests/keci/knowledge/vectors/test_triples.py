from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("dgl")

from keci.knowledge.base.store import KnowledgeBase, knowledge_base_in_memory
from keci.knowledge.vectors.scorers import TransE
from keci.knowledge.vectors.settings import EmbeddingSettings
from keci.knowledge.vectors.triples import HAS_TYPE, RELATED, TripleBatch, TripleGraph
from tests.keci.knowledge.vector_tables import written_base

SETTINGS = EmbeddingSettings(
    width=4, epochs=2, batch_size=16, chunk_size=8, negatives=5, held_out=0
)
Triple = tuple[int, int, int]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    return written_base(tmp_path_factory.mktemp("vectors") / "kb")


def true_triples(base: KnowledgeBase) -> set[Triple]:
    """All triples of a base, read one concept at a time."""
    triples = set()
    for index in range(len(base)):
        tails, kinds = base.neighbours(index)
        triples |= {(index, 1 + int(k), int(t)) for t, k in zip(tails, kinds, strict=True)}
        types = base.concept(index).types
        triples |= {(index, 0, len(base) + base.type_codes.index(code)) for code in types}
    for head, tail, kind in zip(*base.type_relations(), strict=True):
        triples.add((len(base) + int(head), 1 + int(kind), len(base) + int(tail)))
    return triples


def trained_triples(batches: list[TripleBatch]) -> Counter[Triple]:
    columns = [
        torch.cat([getattr(batch, name).flatten() for batch in batches]).tolist()
        for name in ("heads", "relations", "tails")
    ]
    return Counter(zip(*columns, strict=True))


def test_an_epoch_has_every_triple_and_no_other(base: KnowledgeBase) -> None:
    graph = TripleGraph(base, SETTINGS)
    batches = list(graph.batches(0))
    assert len(batches) == graph.batches_per_epoch()
    seen = trained_triples(batches)
    assert set(seen) == true_triples(base)
    assert graph.known.num_edges() == len(seen)


def test_held_out_triples_do_not_train(base: KnowledgeBase) -> None:
    graph = TripleGraph(base, replace(SETTINGS, held_out=6))
    seen = set(trained_triples(list(graph.batches(0))))
    held_out = set()
    for family in (RELATED, HAS_TYPE):
        columns = graph.triples(family, graph.held_out[family])
        held_out |= set(zip(*(column.tolist() for column in columns), strict=True))
    assert held_out
    assert not held_out & seen
    assert held_out | seen == true_triples(base)
    pairs = {frozenset((head, tail)) for head, kind, tail in held_out if kind}
    assert not pairs & {frozenset((head, tail)) for head, _, tail in seen}


def test_masks_mark_true_triples_and_only_those(base: KnowledgeBase) -> None:
    true = true_triples(base)
    for batch in TripleGraph(base, SETTINGS).batches(0):
        is_type = bool((batch.relations == 0).all())
        for chunk, place in np.ndindex(*batch.heads.shape):
            head, kind, tail = (
                int(column[chunk, place]) for column in (batch.heads, batch.relations, batch.tails)
            )
            for candidate, masked in zip(
                batch.tail_candidates[chunk].tolist(),
                batch.tail_mask[chunk, place].tolist(),
                strict=True,
            ):
                assert masked == (
                    candidate == tail or (is_type and (head, kind, candidate) in true)
                )
            for candidate, masked in zip(
                batch.head_candidates[chunk].tolist(),
                batch.head_mask[chunk, place].tolist(),
                strict=True,
            ):
                assert masked == (
                    candidate == head or (is_type and (candidate, kind, tail) in true)
                )


def test_corrupted_ends_are_of_the_kind_of_the_true_ones(base: KnowledgeBase) -> None:
    concepts = len(base)
    for batch in TripleGraph(base, SETTINGS).batches(3):
        assert ((batch.tail_candidates >= concepts) == (batch.tails[:, :1] >= concepts)).all()
        assert ((batch.head_candidates >= concepts) == (batch.heads[:, :1] >= concepts)).all()
        assert batch.tail_candidates.shape[1] == SETTINGS.chunk_size + SETTINGS.negatives


def test_batches_depend_on_seed_and_epoch_alone(base: KnowledgeBase) -> None:
    def heads(settings: EmbeddingSettings, epoch: int, start: int = 0) -> list[list[int]]:
        batches = TripleGraph(base, settings).batches(epoch, start=start)
        return [batch.head_candidates.flatten().tolist() for batch in batches]

    first = heads(SETTINGS, 1)
    torch.rand(3)
    assert heads(SETTINGS, 1) == first
    assert heads(SETTINGS, 1, start=2) == first[2:]
    assert heads(SETTINGS, 2) != first
    assert heads(replace(SETTINGS, seed=2), 1) != first


def test_known_ends_are_those_of_the_base(base: KnowledgeBase) -> None:
    graph = TripleGraph(base, SETTINGS)
    true = true_triples(base)
    for head, kind, tail in sorted(true):
        if tail >= len(base) and kind:
            continue
        family = RELATED if kind else HAS_TYPE
        tails = {other for h, k, other in true if (h, k) == (head, kind)}
        assert set(graph.known_tails(family, head, kind).tolist()) == tails
        heads = {other for other, k, t in true if (k, t) == (kind, tail)}
        assert set(graph.known_heads(family, tail, kind).tolist()) == heads


def test_a_base_without_concepts_has_no_batches() -> None:
    graph = TripleGraph(knowledge_base_in_memory(()), SETTINGS)
    assert graph.batches_per_epoch() == 0
    assert list(graph.batches(0)) == []


def test_transe_ranks_as_dgl_does() -> None:
    from dgl.nn import TransE as Reference

    reference = Reference(num_rels=3, feats=4, p=2)
    heads, tails = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(1))
    relations = torch.tensor([0, 1, 2, 0, 1, 2])
    scorer = TransE()
    found = scorer.pairs(scorer.tail_query(heads, reference.rel_emb(relations)), tails)
    torch.testing.assert_close(found, -reference(heads, tails, relations).square())
