from hypothesis import given

from keci.data.concepts import concept_interactions, concept_pairs, spread, unmentioned
from keci.data.gold import Interaction
from keci.formats.annotated import AnnotatedText, MentionRow, RelationRow
from keci.schema import BIORED, RelationType, TaskSchema
from tests.keci.data.annotations import annotate
from tests.keci.formats.strategies import annotated_texts

TEXT = "Abc Abd AB family rash rash"
ABC, ABD = MentionRow(0, 3, "Abc", "Gene", ("1",)), MentionRow(4, 7, "Abd", "Gene", ("2",))
FAMILY = MentionRow(8, 17, "AB family", "Gene", ("1", "2"))
RASH = MentionRow(18, 22, "rash", "Disease", ("D",))
RASH_AGAIN = MentionRow(23, 27, "rash", "Disease", ("D",))


def pairs(mentions: tuple[MentionRow, ...], *relations: RelationRow) -> list[tuple[str, str, str]]:
    """Related mentions as (text, type, text)."""
    extraction = spread(AnnotatedText("d", TEXT, mentions, relations), BIORED)
    texts = {mention.id: mention.text for mention in extraction.mentions}
    return [(texts[item.head], item.type, texts[item.tail]) for item in extraction.relations]


def test_a_relation_holds_between_all_mentions_of_two_concepts() -> None:
    assert pairs((ABC, ABD, RASH, RASH_AGAIN), RelationRow("Bind", "1", "D")) == [
        ("Abc", "Bind", "rash"),
        ("Abc", "Bind", "rash"),
    ]


def test_a_mention_of_several_concepts_counts_where_all_of_them_are_related() -> None:
    one, other = RelationRow("Bind", "1", "D"), RelationRow("Bind", "D", "2")
    assert pairs((ABC, FAMILY, RASH), one) == [("Abc", "Bind", "rash")]
    assert pairs((ABC, ABD, FAMILY, RASH), one, other) == [
        ("Abc", "Bind", "rash"),
        ("AB family", "Bind", "rash"),
        ("rash", "Bind", "Abd"),
        ("rash", "Bind", "AB family"),
    ]
    other_type = RelationRow("Association", "2", "D")
    assert ("AB family", "Bind", "rash") not in pairs((ABC, FAMILY, RASH), one, other_type)


def test_a_relation_of_mentions_of_several_concepts_alone_is_not_lost() -> None:
    assert pairs((FAMILY, RASH), RelationRow("Bind", "1", "D")) == [("AB family", "Bind", "rash")]
    assert pairs((FAMILY,), RelationRow("Bind", "1", "2")) == [("AB family", "Bind", "AB family")]


def test_a_concept_may_be_related_to_itself() -> None:
    row = RelationRow("Association", "D", "D")
    assert pairs((RASH, RASH_AGAIN), row) == [("rash", "Association", "rash")]
    assert pairs((RASH,), row) == [("rash", "Association", "rash")]


def test_the_schema_says_which_relations_have_a_direction() -> None:
    kinds = (RelationType("with", symmetric=True), RelationType("to"))
    schema = TaskSchema("own", ("Gene", "Disease"), kinds, "biored")
    rows = tuple(RelationRow(kind, *ends) for kind in ("with", "to") for ends in ("1D", "D1"))
    extraction = spread(AnnotatedText("d", TEXT, (ABC, RASH), rows), schema)
    assert [(item.type, item.head, item.tail) for item in extraction.relations] == [
        ("with", "T1", "T2"), ("to", "T1", "T2"), ("to", "T2", "T1"),
    ]  # fmt: skip


def test_identifiers_without_a_mention_are_named() -> None:
    text = AnnotatedText("d", TEXT, (ABC,), (RelationRow("Bind", "1", "9"),))
    extraction = spread(text, BIORED)
    assert extraction.relations == ()
    assert unmentioned(text, extraction) == ("9",)


def test_two_mentions_stand_for_the_products_of_their_concepts() -> None:
    assert concept_pairs("ab", "c") == [("a", "c"), ("b", "c")]
    assert concept_pairs("ab", "b") == [("a", "b")]
    assert concept_pairs("a", "a") == [("a", "a")]


def test_concepts_without_a_group_go_by_their_text() -> None:
    extraction = annotate(
        "Abc abc x", [(0, 3, "G"), (4, 7, "G"), (8, 9, "G")], [(0, 2, "r"), (1, 2, "r")]
    )
    assert concept_interactions(extraction) == (Interaction(("abc",), ("x",), "r"),)


@given(annotated_texts())
def test_concepts_spread_and_come_back(text: AnnotatedText) -> None:
    extraction = spread(text, BIORED)
    assert not unmentioned(text, extraction)
    assert concept_interactions(extraction) == tuple(
        Interaction((row.head,), (row.tail,), row.type) for row in text.relations
    )
