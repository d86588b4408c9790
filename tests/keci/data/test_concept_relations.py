import pytest

from keci.data.concept_relations import concept_relations, concepts_of
from keci.documents import ConceptLink, Extraction, Mention, Relation

TEXT = "Acute lung injury (ALI) after abcillin. ALI and Abcillin; penicillamine."
OFFSETS = {
    "long": (0, 17), "short": (19, 22), "drug": (30, 38), "again": (40, 43), "upper": (48, 56),
    "other": (58, 71),
}  # fmt: skip
LINK = ConceptLink("X:1", "abcillin", ("T109",), 0.9)


def mention(name: str, kind: str, concepts: tuple[ConceptLink, ...] = ()) -> Mention:
    start, end = OFFSETS[name]
    return Mention(name, start, end, TEXT[start:end], kind, 0.9, concepts)


def extraction(*relations: Relation, linked: bool = False) -> Extraction:
    links = (LINK,) if linked else ()
    mentions = (
        mention("long", "disease"),
        mention("short", "disease"),
        mention("drug", "chemical", links),
        mention("again", "disease"),
        mention("upper", "chemical"),
        mention("other", "chemical", links),
    )
    return Extraction("d", TEXT, mentions, relations)


def members(item: Extraction) -> list[list[str]]:
    return [[m.id for m in concept.mentions] for concept in concepts_of(item)]


def test_texts_abbreviations_and_first_candidates_join_mentions() -> None:
    joined = [["long", "short", "again"], ["drug", "upper"], ["other"]]
    assert members(extraction()) == joined
    assert members(extraction(linked=True)) == [joined[0], ["drug", "upper", "other"]]
    assert concepts_of(extraction())[0].name == "Acute lung injury"


def test_mentions_of_different_types_stay_apart() -> None:
    mentions = (mention("short", "disease"), mention("again", "gene"))
    assert members(Extraction("d", TEXT, mentions)) == [["short"], ["again"]]


def test_the_odds_of_the_pairs_are_summed() -> None:
    found = concept_relations(
        extraction(
            Relation("R1", "drug", "short", "causes", 0.6),
            Relation("R2", "upper", "again", "causes", 0.8),
            Relation("R3", "upper", "again", "treats", 0.5),
        )
    )
    assert [(r.type, [e.id for e in r.evidence]) for r in found] == [
        ("causes", ["R1", "R2"]),
        ("treats", ["R3"]),
    ]
    assert found[0].score == pytest.approx(5.5 / 6.5, abs=1e-6)
    assert found[1].score == 0.5


def test_certain_and_unscored_relations() -> None:
    certain = concept_relations(extraction(Relation("R1", "drug", "short", "causes", 1.0)))
    assert certain[0].score == pytest.approx(1.0, abs=1e-5)
    gold = concept_relations(extraction(Relation("R1", "drug", "short", "causes")))
    assert gold[0].score is None
    assert concept_relations(extraction()) == ()
