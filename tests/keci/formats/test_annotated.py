import pytest
from hypothesis import given

from keci.data.concepts import spread
from keci.documents import ConceptLink, Extraction, Mention, Relation
from keci.errors import DataError
from keci.formats.annotated import (
    AnnotatedText,
    MentionRow,
    RelationRow,
    identifier_of,
    join_identifiers,
    mentions_of,
    rows_of,
    split_identifiers,
)
from keci.schema import BIORED
from tests.keci.formats.strategies import annotated_texts


@pytest.mark.parametrize(
    ("column", "identifiers"),
    [("", ()), ("-", ()), ("5", ("5",)), (" 5, 6,5,", ("5", "6")), ("c|DEL|1", ("c|DEL|1",))],
)
def test_identifiers_of_a_column(column: str, identifiers: tuple[str, ...]) -> None:
    assert split_identifiers(column) == identifiers
    assert split_identifiers(join_identifiers(identifiers)) == identifiers


def test_a_mention_of_several_concepts_is_one_for_each() -> None:
    rows = (MentionRow(0, 2, "A1", "Gene", ("1", "2")), MentionRow(3, 4, "b", "Gene"))
    assert [(m.id, m.text, m.group) for m in mentions_of(AnnotatedText("d", "A1 b", rows))] == [
        ("T1", "A1", "1"), ("T2", "A1", "2"), ("T3", "b", None),
    ]  # fmt: skip


def test_a_mention_of_nothing_is_refused() -> None:
    text = AnnotatedText("d", "A1", (MentionRow(1, 1, "", "Gene"),))
    with pytest.raises(DataError, match="type 'Gene' covers no text: 1:1 in document 'd'"):
        list(mentions_of(text))


def test_an_identifier_is_the_group_or_the_first_concept() -> None:
    links = (ConceptLink("X", "x", (), 0.2), ConceptLink("Y", "y", (), 0.5))
    assert identifier_of(Mention("T1", 0, 1, "a", "Gene", concepts=links)) == "X"
    assert identifier_of(Mention("T1", 0, 1, "a", "Gene", concepts=links, group="7")) == "7"
    assert identifier_of(Mention("T1", 0, 1, "a", "Gene")) is None


def test_relations_of_many_mentions_are_one_row() -> None:
    gene, drug = (ConceptLink("G", "", (), 1.0),), (ConceptLink("D", "", (), 1.0),)
    mentions = (
        Mention("T1", 0, 1, "a", "Gene", concepts=gene),
        Mention("T2", 2, 3, "b", "Drug", concepts=drug),
        Mention("T3", 4, 5, "a", "Gene", concepts=gene),
        Mention("T4", 6, 7, "c", "Gene"),
        Mention("T5", 8, 9, "c", "Gene"),
    )
    relations = tuple(
        Relation(f"R{number}", head, tail, "Bind")
        for number, (head, tail) in enumerate([("T1", "T2"), ("T3", "T2"), ("T3", "T4")])
    )
    rows = rows_of(Extraction("d", "a b a c c", mentions, relations))
    assert [row.identifiers for row in rows.mentions] == [("G",), ("D",), ("G",), ("T4",), ()]
    assert rows.relations == (RelationRow("Bind", "G", "D"), RelationRow("Bind", "G", "T4"))


@given(annotated_texts())
def test_rows_come_back_from_an_extraction(text: AnnotatedText) -> None:
    assert rows_of(spread(text, BIORED)) == text
