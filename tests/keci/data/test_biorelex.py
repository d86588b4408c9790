import pytest

from keci.data.biorelex import read_predicted_sentence, read_sentence
from keci.errors import DataError
from tests.keci.data.annotations import entity, sentence

TEXT = "Fos and cFos bind Jun, and Fos avoids Maf."
FOS = entity("protein", Fos=[(0, 3), (27, 30)], cFos=[(8, 12)], AP1=[])
JUN = entity("protein", Jun=[(18, 21)])
MAF = entity("chemical", Maf=[(38, 41)])


def test_entities_become_grouped_mentions_in_the_order_of_the_text():
    extraction = read_sentence(sentence(TEXT, [FOS, JUN, MAF], [])).extraction
    assert [(m.id, m.text, m.type, m.group) for m in extraction.mentions] == [
        ("T1", "Fos", "protein", "E1"),
        ("T2", "cFos", "protein", "E1"),
        ("T3", "Jun", "protein", "E2"),
        ("T4", "Fos", "protein", "E1"),
        ("T5", "Maf", "chemical", "E3"),
    ]


def test_an_interaction_relates_all_mentions_of_its_entities():
    document = read_sentence(sentence(TEXT, [FOS, JUN, MAF], [(1, 0, 1), (0, 2, -1)]))
    assert [(r.head, r.tail, r.type) for r in document.extraction.relations] == [
        ("T1", "T3", "bind"),
        ("T2", "T3", "bind"),
        ("T3", "T4", "bind"),
        ("T1", "T5", "no-bind"),
        ("T2", "T5", "no-bind"),
        ("T4", "T5", "no-bind"),
    ]
    assert [(i.head_names, i.tail_names, i.type) for i in document.interactions] == [
        (("Jun",), ("Fos", "cFos"), "bind"),
        (("Fos", "cFos"), ("Maf",), "no-bind"),
    ]


def test_an_entity_that_interacts_with_itself_relates_its_different_mentions():
    document = read_sentence(sentence(TEXT, [FOS, JUN], [(0, 0, 1), (1, 1, 0)]))
    assert [(r.head, r.tail) for r in document.extraction.relations] == [
        ("T1", "T2"),
        ("T1", "T4"),
        ("T2", "T4"),
    ]
    assert [(i.head_names, i.tail_names) for i in document.interactions] == [
        (("Fos", "cFos"), ("Fos", "cFos")),
        (("Jun",), ("Jun",)),
    ]


def test_a_predicted_self_interaction_of_one_mention_is_kept():
    predicted = read_predicted_sentence(sentence(TEXT, [FOS, JUN], [(1, 1, 0)]), None)
    assert [(r.head, r.tail, r.type) for r in predicted.relations] == [("T3", "T3", "unclear")]


def test_repeated_interactions_stay_and_conflicting_pairs_have_both_types():
    document = read_sentence(sentence(TEXT, [JUN, MAF], [(0, 1, 1), (1, 0, 1), (0, 1, -1)]))
    assert len(document.interactions) == 3
    assert [r.type for r in document.extraction.relations] == ["bind", "no-bind"]


def test_a_span_of_two_entities_is_two_mentions():
    other = entity("gene", Jun=[(18, 21)])
    mentions = read_sentence(sentence(TEXT, [JUN, other], [])).extraction.mentions
    assert [(m.start, m.type, m.group) for m in mentions] == [
        (18, "protein", "E1"),
        (18, "gene", "E2"),
    ]


def test_a_predicted_sentence_may_leave_its_text_to_the_gold_document():
    record = sentence(TEXT, [JUN], [])
    del record["text"], record["paperid"]
    assert read_predicted_sentence(record, TEXT).text == TEXT
    with pytest.raises(DataError, match="'text' is missing"):
        read_predicted_sentence(record, None)


@pytest.mark.parametrize(
    ("entities", "interactions", "message"),
    [
        ([entity("protein", Fos=[(40, 99)])], [], "40:99 lies outside a text of 42"),
        ([entity("protein", Fos=[(0, 3, 4)])], [], r"\[start, end\]"),
        ([entity("protein", Fos=[(True, 3)])], [], "must be of type int"),
        ([JUN], [(0, 1, 1)], "'participants' is 1, but there are 1"),
        ([JUN], [(0, 0, 2)], "one of 1, 0 and -1, got 2"),
        (["Jun"], [], "expected an object with the field 'names', got str 'Jun'"),
    ],
)
def test_a_bad_record_says_what_is_wrong(entities, interactions, message):
    with pytest.raises(DataError, match=message):
        read_sentence(sentence(TEXT, entities, interactions))


def test_an_interaction_needs_two_participants():
    record = sentence(TEXT, [JUN], [(0, 0, 1)])
    record["interactions"][0]["participants"] = [0]
    with pytest.raises(DataError, match="two participants"):
        read_sentence(record)
