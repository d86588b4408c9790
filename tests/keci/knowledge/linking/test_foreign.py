from pathlib import Path

import pytest

from keci.knowledge.base.records import ConceptRecord
from keci.knowledge.base.store import KnowledgeBase, knowledge_base_in_memory
from keci.knowledge.choice import foreign_mentions
from keci.knowledge.linking.metamap import ForeignCandidate, ForeignMentions

TEXT = "The rose fever of roses"


@pytest.fixture(scope="module")
def kb() -> KnowledgeBase:
    return knowledge_base_in_memory(
        [
            ConceptRecord("UMLS:C1", "rose", ("T002",)),
            ConceptRecord("HP:1", "fever", ("T184",), xrefs=("MESH:D1", "UMLS:C2")),
            ConceptRecord("UMLS:C3", "rose fever", ("T184",)),
        ]
    )


def test_candidates_become_ranked_mentions(kb: KnowledgeBase) -> None:
    mentions = ForeignMentions(
        [
            ForeignCandidate("d", "C2", 9, 14, 5.0),
            ForeignCandidate("d", "C1", 4, 14, 1.0),
            ForeignCandidate("d", "C3", 4, 14, 2.0),
            ForeignCandidate("d", "C3", 4, 14, 1.0),
            ForeignCandidate("other", "C1", 0, 3, 1.0),
        ],
        kb,
    )
    found = mentions.link("d", TEXT)
    assert [(TEXT[m.start : m.end], m.concepts) for m in found] == [
        ("rose fever", (2, 0)),
        ("fever", (1,)),
    ]
    assert (mentions.unknown, mentions.misplaced) == (0, 0)


@pytest.mark.parametrize("name", ["HP:1", "MESH:D1", "UMLS:C2", "C2"])
def test_a_concept_is_known_by_any_of_its_ids(kb: KnowledgeBase, name: str) -> None:
    mentions = ForeignMentions([ForeignCandidate("d", name, 9, 14, 1.0)], kb)
    assert [found.concepts for found in mentions.link("d", TEXT)] == [(1,)]


def test_offsets_from_one_are_known_by_the_surface(kb: KnowledgeBase) -> None:
    mentions = ForeignMentions([ForeignCandidate("d", "C1", 5, 9, 1.0, "Rose")], kb)
    assert mentions.link("d", TEXT)[0][:2] == (4, 8)


def test_what_cannot_be_used_is_counted(kb: KnowledgeBase) -> None:
    mentions = ForeignMentions(
        [
            ForeignCandidate("d", "C404", 4, 8, 1.0),
            ForeignCandidate("d", "C1", 5, 8, 1.0),
            ForeignCandidate("d", "C1", 4, 800, 1.0),
            ForeignCandidate("d", "C1", 4, 8, 1.0, "lily"),
            ForeignCandidate("d", "C1", 4, 23, 1.0, "rose roses", pieces=2),
        ],
        kb,
    )
    assert mentions.link("d", TEXT) == ()
    assert (mentions.unknown, mentions.misplaced, mentions.split) == (1, 3, 1)


def test_candidates_in_pieces_are_told(
    kb: KnowledgeBase, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "found.mmi"
    path.write_text('d|MMI|1|Rose|C1|[x]|["Rose"-tx-1-"rose"-noun-0]|TX|4/4,18/5\n')
    foreign_mentions(path, kb)
    assert caplog.messages == ["1 candidates in several pieces are left out: a mention is one span"]


def test_candidates_are_capped(kb: KnowledgeBase) -> None:
    candidates = [ForeignCandidate("d", cui, 4, 8, 1.0) for cui in ("C3", "C1")]
    assert ForeignMentions(candidates, kb, max_candidates=1).link("d", TEXT)[0].concepts == (0,)
