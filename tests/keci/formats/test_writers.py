from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keci.documents import Document, Extraction, Mention, Relation
from keci.errors import DataError
from keci.formats.jsonl import JsonlWriter
from keci.formats.read import read_documents

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
EXTRACTION = Extraction(
    "d1",
    "Aspirin caused \U0001f9ec nausea.",
    (Mention("T1", 0, 7, "Aspirin", "Drug", 0.9), Mention("T2", 17, 23, "nausea", "Effect", 0.8)),
    (Relation("R1", "T2", "T1", "Caused-by", 0.7),),
)


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_records_can_be_read_back(tmp_path: Path, name: str) -> None:
    path = str(tmp_path / name)
    with JsonlWriter(path) as writer:
        writer.write(EXTRACTION)
        writer.write(Extraction("d2", ""))
        assert writer.count == 2
    assert list(read_documents([path])) == [EXTRACTION.document, Document("d2", "")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXT, max_size=5))
def test_any_text_makes_one_line(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "out.jsonl"
    with JsonlWriter(str(path)) as writer:
        for number, text in enumerate(texts):
            writer.write(Extraction(str(number), text))
    lines = path.read_bytes().split(b"\n")[:-1]
    assert [orjson.loads(line)["text"] for line in lines] == texts


def test_standard_output_gets_the_lines(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    with JsonlWriter("-") as writer:
        writer.write(EXTRACTION)
    record = orjson.loads(capsysbinary.readouterr().out)
    assert Extraction.from_record(record) == EXTRACTION


def test_a_record_that_json_cannot_hold_leaves_the_file_clean(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with JsonlWriter(str(path)) as writer:
        with pytest.raises(DataError, match="'bad' cannot be written"):
            writer.write(Extraction("bad", "\ud800"))
        writer.write(Extraction("good", "a"))
        assert writer.count == 1
    assert [orjson.loads(line)["id"] for line in path.read_bytes().splitlines()] == ["good"]
