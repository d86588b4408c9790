"""What is lost of annotated data, and when it is too much."""

from dataclasses import replace

import pytest

from keci.data.gold import GoldDataset, GoldDocument
from keci.data.inspection import Inspection, inspect
from keci.documents import Extraction
from keci.formats.annotated import Remark
from keci.schema import RelationType, TaskSchema
from tests.keci.data.annotations import annotate

SCHEMA = TaskSchema(
    "cdr",
    ("Disease", "Chemical"),
    (
        RelationType("CID", head_types=("Chemical",), tail_types=("Disease",)),
        RelationType("with", True, ("Chemical",), ("Disease",)),
    ),
)
TEXT = "A rash after aspirin."
RASH, ASPIRIN = (2, 6, "Disease"), (13, 20, "Chemical")


def inspected(*extractions: Extraction, remarks: tuple[Remark, ...] = ()) -> Inspection:
    documents = tuple(GoldDocument(item, (), item.id, remarks) for item in extractions)
    return inspect(GoldDataset(SCHEMA, documents, "own"))


def test_data_that_fit_are_counted_by_type() -> None:
    one = annotate(TEXT, [RASH, ASPIRIN], [(1, 0, "CID"), (0, 1, "with")])
    found = inspected(one, replace(one, id="d2"))
    assert found.mentions == {"Disease": 2, "Chemical": 2}
    assert found.relations == {"CID": 2, "with": 2}
    assert (found.losses, found.refusal, found.absent_types()) == ((), "", ())


@pytest.mark.parametrize(
    ("mentions", "relations", "refusal"),
    [
        ([], [], "no mention in 1 documents, read as own"),
        ([(2, 6, "disease"), ASPIRIN, (0, 1, "x")], [],
         r"2 of 3 mentions cannot be learned: 1 of a type that the task does not have, 'disease' "
         r"\(the task has 'Disease'\)"),
        ([(2, 5, "Disease"), (13, 19, "Chemical")], [],
         "2 of 2 mentions cannot be learned: 2 end one character before a word does"),
        ([(3, 5, "Disease")], [], "1 of 1 mentions cannot be learned: 1 begin or end inside"),
        ([RASH, ASPIRIN], [(0, 1, "CID")],
         "1 of 1 relations cannot be learned: 1 reversed against the task: 'CID' goes from "
         "Chemical to Disease, these from Disease to Chemical"),
        ([RASH, (7, 12, "Disease")], [(0, 1, "CID")],
         "1 between types that the task does not allow: 'CID' of Disease and Disease"),
        ([RASH, ASPIRIN], [(1, 0, "cid")], "'cid' .the task has 'CID'"),
    ],
)  # fmt: skip
def test_data_of_which_most_is_lost_are_refused(
    mentions: list[tuple[int, int, str]], relations: list[tuple[int, int, str]], refusal: str
) -> None:
    found = inspected(annotate(TEXT, mentions, relations))
    with pytest.raises(AssertionError, match=refusal):
        assert not found.refusal, found.refusal


def test_half_of_the_annotation_is_enough() -> None:
    extraction = annotate(TEXT, [RASH, (13, 20, "Gene")], [])
    found = inspected(extraction)
    assert [(loss.lost, loss.count) for loss in found.losses] == [("mention", 1)]
    assert found.refusal == ""
    assert found.absent_types() == ("Chemical", "CID", "with")


def test_what_the_reader_left_out_counts_as_lost() -> None:
    remarks = (Remark("relations do not name two mentions", "R1", "relation"),)
    found = inspected(annotate(TEXT, [RASH, ASPIRIN], []), remarks=remarks)
    assert "1 of 1 relations cannot be learned: 1 left out: relations do not" in found.refusal
    taken = inspected(annotate(TEXT, [RASH, ASPIRIN], []), remarks=(Remark("in pieces", "x"),))
    assert (taken.refusal, [notice.reason for notice in taken.notices]) == ("", ["in pieces"])


def test_a_span_of_several_concepts_counts_once() -> None:
    extraction = annotate(TEXT, [RASH, RASH], groups=["D1", "D2"])
    assert inspected(extraction).mentions == {"Disease": 1}
