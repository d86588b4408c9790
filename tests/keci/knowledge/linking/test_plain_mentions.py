"""MetaMapLite and plain JSON, and what is told of mentions that fit no text."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from keci.errors import DataError
from keci.knowledge.base.records import ConceptRecord
from keci.knowledge.base.store import knowledge_base_in_memory
from keci.knowledge.linking.metamap import ForeignCandidate, ForeignMentions, read_metamap

ROSE = ForeignCandidate("d1", "C1", 17, 29, 0.9, "rose")


def read(folder: Path, content: str) -> list[ForeignCandidate]:
    path = folder / "file"
    path.write_text(content, "utf-8")
    return list(read_metamap(path))


@pytest.mark.parametrize("position", ["17:12", "17/12", "[17:12]", "17/12;"])
@pytest.mark.parametrize("tail", ["", "|", "|B01.1", "|B01.1|x"])
def test_fielded_lines_of_both_programs(position: str, tail: str, tmp_path: Path) -> None:
    line = f'd1|MMI|0.9|Rose|C1|[plnt]|"Rose"-text-0-"rose"-NN-0|text|{position}{tail}\n'
    for mark in ("", "\ufeff"):
        (found,) = read(tmp_path, f"{mark}{line}")
        assert found[:5] == ROSE[:5]


@pytest.mark.parametrize("position", ["", "17-12", "here"])
def test_a_position_that_is_none_is_told(position: str, tmp_path: Path) -> None:
    line = f'd1|MMI|0.9|Rose|C1|[plnt]|"Rose"-tx-1-"rose"-noun-0|TX|{position}|B01\n'
    with pytest.raises(DataError, match=r"file:1: expected positions such as 17/12 or 17:12"):
        read(tmp_path, line)


QUICKUMLS = {
    "id": "d1",
    "matches": [
        [
            {"start": 17, "end": 29, "ngram": "rose", "term": "Rose", "cui": "C1",
             "similarity": 0.9, "semtypes": ["T002"], "preferred": 1},
        ]
    ],
}  # fmt: skip
SCISPACY = {
    "id": "d1",
    "ents": [{"start_char": 17, "end_char": 29, "text": "rose", "kb_ents": [["C1", 0.9]]}],
}
PLAIN = {"id": "d1", "mentions": [{"start": 17, "end": 29, "text": "rose", "cui": "C1",
                                   "score": 0.9}]}  # fmt: skip


@pytest.mark.parametrize("record", [QUICKUMLS, SCISPACY, PLAIN])
def test_plain_json(record: dict[str, Any], tmp_path: Path) -> None:
    none = {"id": "d0", "mentions": []}
    assert read(tmp_path, json.dumps([none, record])) == [ROSE]
    assert read(tmp_path, f"{json.dumps(none)}\n{json.dumps(record)}\n") == [ROSE]
    assert read(tmp_path, json.dumps(record, indent=1)) == [ROSE]
    assert read(tmp_path, f"\ufeff{json.dumps(record)}") == [ROSE]


def test_what_keci_wrote_is_read_best_concept_first(tmp_path: Path) -> None:
    concepts = [{"id": "MESH:D1", "name": "rose"}, {"id": "UMLS:C1", "name": "Rose"}]
    record = {"id": "d1", "entities": [{"start": 17, "end": 29, "text": "rose", "type": "plant",
                                        "score": 0.9, "concepts": concepts}]}  # fmt: skip
    found = read(tmp_path, json.dumps(record))
    assert [(item.cui, item.start, item.end) for item in found] == [
        ("MESH:D1", 17, 29), ("UMLS:C1", 17, 29),
    ]  # fmt: skip
    assert found[0].score > found[1].score


@pytest.mark.parametrize(
    "mention", [{}, {"start": 1, "end": 2}, {"start": "a", "end": 2, "cui": "C1"}, 3]
)
def test_plain_json_that_is_not_as_promised(mention: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="record 1: expected an id and mentions with start"):
        read(tmp_path, json.dumps({"id": "d1", "mentions": [mention]}))


def foreign(*candidates: ForeignCandidate) -> ForeignMentions:
    return ForeignMentions(
        candidates, knowledge_base_in_memory([ConceptRecord("UMLS:C1", "rose", ("T002",))])
    )


def test_what_fits_no_text_is_told(caplog: pytest.LogCaptureFixture) -> None:
    mentions = foreign(
        ForeignCandidate("d1", "C1", 2, 6, 1.0, "rose"),
        ForeignCandidate("d1", "C1", 0, 3, 1.0, "rose"),
        ForeignCandidate("d2", "C1", 2, 6, 1.0, "rose"),
    )
    mentions.link("d1", "A rose.")
    with caplog.at_level(logging.WARNING):
        mentions.check_used()
    assert (
        "2 of 3 candidates fit no text: 1 of documents that are not there, as 'd2' and 1 whose "
        "characters are no whole words of their text" in caplog.text
    )


def test_nothing_is_told_where_all_fit(caplog: pytest.LogCaptureFixture) -> None:
    mentions = foreign(ForeignCandidate("d1", "C1", 2, 6, 1.0))
    mentions.link("d1", "A rose.")
    mentions.check_used()
    assert not caplog.records


@pytest.mark.parametrize("document", ["d1", "d2"])
def test_mentions_of_which_none_fits_are_an_error(document: str) -> None:
    mentions = foreign(ForeignCandidate(document, "C1", 3, 6, 1.0))
    mentions.link("d1", "A rose.")
    with pytest.raises(DataError, match="1 of 1 candidates fit no text"):
        mentions.check_used()
    mentions.check_used(is_whole=False)
