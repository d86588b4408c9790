"""Formats found by what a file holds, and files that are refused by name."""

import time
from contextlib import suppress
from pathlib import Path

import pytest

from keci.documents import Document, Failure
from keci.errors import UsageError
from keci.formats.detect import detect_format
from keci.formats.read import read_documents


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"id": "q", "text": "A", "passages": [{"title": "x"}]}', "jsonl"),
        (b'{"id": "q", "text": "A", "passages": []}', "jsonl"),
        (b'{"id": "q", "text": "A", "documents": [{"id": 1, "passages": []}]}', "jsonl"),
        (b'{"id": "q", "text": "A", "passages": [{"offset": 0, "text": "x"}]}', "jsonl"),
        (b'{"id": "q", "question": "A", "passages": [{"title": "x", "score": 1}]}', "jsonl"),
        (b'{"id": "q", "documents": [{"url": "x"}], "text": "A"}', "jsonl"),
        (b'{"id": "q", "meta": {"passages": [{"offset": 1}]}, "text": "A"}', "jsonl"),
        (b'{"id": "q", "note": "\\"passages\\": [{\\"offset\\": 1}]", "text": "A"}', "jsonl"),
        (b'[{"id": "q", "text": "A", "passages": [{"title": "x"}]}]', "jsonl"),
        (b'{"id": 1, "passages": [{"infons": {}, "offset": 0, "text": "x"}]}', "bioc"),
        (b'{"id": 1, "passages": [{"offset": 0, "sentences": []}]}', "bioc"),
        (b'{"infons": {"text": "x"}, "documents": [{"id": 1, "passages": [{"off', "bioc"),
        (b'{"documents": []}', "bioc"),
        (b'{"documents": [{"id": 5, "passages": [{"text": "A"}]}]}', "bioc"),
        (b'{"PubTator3": [{"_id": "1", "id": "1", "infons": {}, "passages": [{', "bioc"),
        (b"\nPMID- 10\nOWN - NLM\n", "medline"),
        (b"id,text\n1,a\n", "csv"),
        (b'"id";"text"\n1;a\n', "csv"),
        (b"id\ttext\n1\ta\n", "tsv"),
        (b"pmid;title;abstract\n1;a;b\n", "csv"),
        (b"Title, rash and the year\n", "text"),
        (b"# made by us\n12|t|A title\n", "pubtator"),
        (b"12\tCID\tD1\tD2\n12|t|A title\n", "pubtator"),
        (b"PAR1\x15\x04", "parquet"),
        (b"It is a text, as id is.\n", "text"),
        (b"@home with a child, we saw\n", "text"),
        (b"TY is a name\n", "text"),
    ],
)
def test_the_format_is_that_of_the_content(content: bytes, expected: str) -> None:
    assert detect_format(content, "data.txt") == expected
    assert detect_format(content, "stdin") == expected


@pytest.mark.parametrize("unit", [b"\n", b" ", b"a\t", b"# a\n", b"a\tb\n", b"[", b"<", b"|t"])
def test_detection_takes_no_time_whatever_is_repeated(unit: bytes) -> None:
    started = time.process_time()
    for beginning in (b"", b"id\ttext\n", b"[", b"{", b"1|a"):
        with suppress(UsageError):
            detect_format((beginning + unit * 16384)[:16384], "a.txt")
    assert time.process_time() - started < 2


def test_the_text_may_have_another_name() -> None:
    content = b'{"id": 1, "body": "A", "passages": [{"offset": 0}]}'
    assert detect_format(content, "a.json", ("body",)) == "jsonl"


@pytest.mark.parametrize(
    ("content", "name", "found"),
    [
        (b"TY  - JOUR\nTI  - A\nER  - \n", "a.txt", "RIS"),
        (b"@article{doe2020,\n title={A}}", "a", "BibTeX"),
        (b"%0 Journal Article\n%T A title\n", "a.enw", "EndNote"),
        (b"T1\tDrug 0 7\taspirin\n", "a.ann", "brat annotations"),
        (b"T1\tDrug 0 7\taspirin\n", "a.txt", "brat annotations"),
        (b"R1\tCID Arg1:T1 Arg2:T2\n", "a.ann", "brat annotations"),
        (b"#1\tAnnotatorNotes T1\tseen\n", "a.txt", "brat annotations"),
        (b"FN Clarivate\nVR 1.0\nPT J\nTI Rash\n", "a.txt", "Web of Science"),
        (b"\n1. J Rash. 2001;1:2.\n\nA rash.\n\nPMID: 12\n\n\n2. J Gout. 2002", "a.txt", ".nbib"),
        (b"[Error] : No result can be found. <BR>", "a", "error answer"),
        (b"anything\n", "a.ris", "RIS"),
        (b"# sent_id = 1\n1\tAspirin\taspirin\tNOUN\t_\n", "a.txt", "CoNLL-U"),
        (b"\\documentclass{article}\n", "a.txt", "LaTeX"),
        (b"A \\emph{rash}\n", "a.tex", "LaTeX"),
        (b"---\nid: 1\ntext: A rash\n", "a.txt", "YAML"),
        (b"- id: 1\n", "a.yml", "YAML"),
        (b"<1>\nUnique Identifier\n  123\nTitle\n  A rash\n", "a.txt", "Ovid"),
        (b"Record #1 of 2\nID: CN-1\nTI: A rash\n", "a.txt", "Cochrane"),
        (b"primaryid$caseid$drugname\n1$1$ASPIRIN\n2$1$RITUXIMAB\n", "a.txt", "3 columns"),
        (b"PT\tAU\tTI\tAB\nJ\tDoe, J\tRash\tA rash came.\n", "a.txt", "4 columns"),
        (b"1\tDisease\tMESH:D1\trash\n2\tDisease\tMESH:D2\tgout", "a.txt", "4 columns"),
        (b"-DOCSTART- -X- O O\n", "a.txt", "CoNLL"),
        (b"Rash\tB-ADE\nafter\tO\naspirin\tB-Drug\n", "a.txt", "tagged tokens"),
        (b"{\\rtf1\\ansi", "a.txt", "RTF"),
        (b"PK\x03\x04", "a.docx", "docx"),
    ],
)
def test_formats_that_are_no_prose_are_refused_by_name(
    content: bytes, name: str, found: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="--input-format text for prose") as caught:
        detect_format(content, name)
    assert found in str(caught.value)
    path = tmp_path / name
    path.write_bytes(content)
    (document,) = read_documents([str(path)], input_format="text")
    assert document == Document(name, content.decode())


def test_a_refused_input_stops_no_others(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("TY  - JOUR\n")
    (tmp_path / "b.txt").write_text("A rash.")
    failure, document = read_documents([str(tmp_path)])
    assert isinstance(failure, Failure)
    assert "RIS" in failure.reason
    assert document == Document("b.txt", "A rash.")
    with pytest.raises(UsageError, match="RIS"):
        read_documents([str(tmp_path / "a.txt")])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('[{"id": 1, "text": "a"}, {"id": 2, "text": "b"}]', [("1", "a"), ("2", "b")]),
        ('{\n  "id": 1,\n  "text": "a"\n}\n{\n  "id": 2,\n  "text": "b"\n}\n',
         [("1", "a"), ("2", "b")]),
        ('{"id": 1020.0, "text": "a"}', [("1020", "a")]),
        ('{"id": 12345678901234567890123, "text": "a"}', [("12345678901234567890123", "a")]),
        ('{"id": NaN, "text": "a", "x": -Infinity}', [("in.jsonl:1", "a")]),
        ('{"id": 7, "text": null}', [("7", "")]),
        ('{"id": 7, "text": "a", "x": NaN}', [("7", "a")]),
    ],
)  # fmt: skip
def test_odd_but_common_json_is_read(
    content: str, expected: list[tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_text(content)
    documents = [Document(name, text) for name, text in expected]
    assert list(read_documents(["in.jsonl"])) == documents


def test_texts_of_several_fields_are_joined(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"id": 1, "title": "T", "abstract": "A"}\n{"id": 2, "title": "T"}\n{"id": 3}')
    first, second, failure = read_documents([str(path)], text_field="title,abstract")
    assert [first, second] == [Document("1", "T\n\nA"), Document("2", "T")]
    assert isinstance(failure, Failure)


@pytest.mark.parametrize(
    ("content", "failed"),
    [
        ('[{"id": 1, "text": "a"}, 5, "x", [1], null, {"id": 2, "text": "b"}]', 4),
        ('{"documents": [5, {"id": 1, "passages": [{"offset": 0, "text": "a"}]}, "x", '
         '{"id": 2, "passages": [{"offset": 0, "text": "b"}]}], "infons": {"a": {"b": [{}]}}}', 2),
    ],
)  # fmt: skip
def test_what_is_no_object_in_a_list_is_a_failure(
    content: str, failed: int, tmp_path: Path
) -> None:
    path = tmp_path / "in.json"
    path.write_text(content)
    contents = list(read_documents([str(path)], input_format="auto"))
    assert [item for item in contents if isinstance(item, Document)] == [
        Document("1", "a"), Document("2", "b")
    ]  # fmt: skip
    assert sum(isinstance(item, Failure) for item in contents) == failed


def test_a_line_cut_short_does_not_make_the_rest_one_object(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"id": "a", "text": "cut\n{"id": "b", "text": "whole"}\n')
    failure, document = read_documents([str(path)])
    assert isinstance(failure, Failure)
    assert document == Document("b", "whole")
