"""The drawing of the strongest triples."""

from dataclasses import replace
from itertools import combinations, product

from keci.documents import Extraction, Mention, Relation
from keci.view.corpus_graph import WIDTH, draw_corpus
from tests.keci.view.conftest import an_extraction

WORDS = ("rash", "fever", "nausea", "headache", "abcillin", "defol", "ghimab", "jklnib")


def pairs(*ends: tuple[int, int]) -> list[Extraction]:
    """A document for each pair of words, with the first caused by the second."""
    found = []
    for number, (head, tail) in enumerate(ends):
        text = f"{WORDS[head]} {WORDS[tail]}"
        middle = len(WORDS[head])
        mentions = (
            Mention("T1", 0, middle, WORDS[head], "e"),
            Mention("T2", middle + 1, len(text), WORDS[tail], "d"),
        )
        relations = (Relation("R1", "T1", "T2", "caused-by", 0.5),)
        found.append(Extraction(f"d{number}", text, mentions, relations))
    return found


def test_strongest_first_and_combined() -> None:
    drawing = draw_corpus(pairs((0, 4), (0, 4), (1, 5), (2, 6)), most=2)
    assert drawing["num_triples"] == 3
    first = drawing["edges"][0]
    assert (first["documents"], first["mentions"], first["score"]) == (2, 2, 0.75)
    assert len(drawing["edges"]) == 2


def test_all_lies_inside_and_labels_do_not_overlap() -> None:
    drawing = draw_corpus(pairs(*product(range(4), range(4, 8))))
    assert len(drawing["nodes"]) == 8
    for node in drawing["nodes"]:
        assert 0 <= node["x"] <= WIDTH
        assert 0 <= node["y"] <= drawing["height"]
    for one, other in combinations(drawing["nodes"], 2):
        assert abs(one["y"] - other["y"]) >= 20 or abs(one["x"] - other["x"]) >= 24


def test_equal_extractions_give_equal_drawings() -> None:
    assert draw_corpus(pairs((0, 4), (1, 4))) == draw_corpus(pairs((0, 4), (1, 4)))


def test_a_relation_of_a_concept_with_itself_is_a_loop() -> None:
    looped = replace(an_extraction(), relations=(Relation("R1", "T3", "T3", "same", 0.5),))
    (edge,) = draw_corpus([looped])["edges"]
    assert edge["tip"] is None


def test_a_relation_without_direction_is_one_line() -> None:
    told = pairs((0, 4), (4, 0))
    links = [(Relation("R1", "T1", "T2", "Association", 0.5),) for _ in told]
    both = [
        replace(item, relations=link, mentions=tuple(replace(m, type="e") for m in item.mentions))
        for item, link in zip(told, links, strict=True)
    ]
    (edge,) = draw_corpus(both)["edges"]
    assert (edge["mentions"], edge["documents"], edge["tip"]) == (2, 2, None)
    assert len(draw_corpus(pairs((0, 4), (4, 0)))["edges"]) == 2


def test_colours_are_those_of_the_types_on_the_page() -> None:
    drawing = draw_corpus(pairs((0, 4)))
    assert {node["type"]: node["colour"] for node in drawing["nodes"]} == {"e": 0, "d": 1}
    assert drawing["edges"][0]["colour"] == drawing["types"][0]["colour"] == 2


def test_nothing_to_draw() -> None:
    assert draw_corpus([])["edges"] == []
