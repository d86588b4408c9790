import gzip

import pytest

from keci.data.datasets import load_dataset
from keci.data.layouts import Layout, read_records
from keci.errors import DataError, UsageError
from keci.schema import ADE
from tests.keci.data.annotations import sentence, write_json, write_jsonl

OWN = {"id": "d1", "text": "x"}


def test_the_content_tells_the_format(tmp_path):
    spert = {"tokens": ["x"], "entities": [], "relations": []}
    cases = {
        Layout.BIORELEX: write_json(tmp_path / "a", [sentence("x", [], [])]),
        Layout.SPERT: write_json(tmp_path / "b", [spert]),
        Layout.KECI: write_jsonl(tmp_path / "c", [OWN, OWN]),
    }
    for layout, path in cases.items():
        assert read_records(path)[0] is layout


def test_lines_may_be_blank_and_the_file_gzipped(tmp_path):
    path = tmp_path / "gold.jsonl.gz"
    path.write_bytes(gzip.compress(b'\n{"id": "d1", "text": "x"}\n\n{"id": "d2", "text": "x"}'))
    assert [record["id"] for record in read_records(path)[1]] == ["d1", "d2"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'[{"text": 1}', "is not valid json"),
        (b'{"id": "d1", "text": "x"}\n{"id"', "line 2: not valid JSON"),
        (b'{"text": "x"}', "record 1: expected an object with 'tokens'"),
        (b"[3]", "got int '3'"),
    ],
)
def test_what_is_in_no_format_is_told(tmp_path, content, message):
    path = tmp_path / "data"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_records(path)


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(UsageError, match="there is no file"):
        read_records(tmp_path / "absent.json")
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(b"x" * 1000)[:20])
    with pytest.raises(UsageError, match="cannot be read"):
        read_records(cut)


@pytest.mark.parametrize(
    "first",
    [
        {"id": "1", "text": "x"},
        {"text": "x", "denotations": []},
        {"text": "x", "label": [[0, 1, "Drug"]]},
        {"a": 1},
    ],
)
@pytest.mark.parametrize("second", [5, None, "denotations", [1]])
def test_what_is_no_object_tells_no_layout(tmp_path, first, second):
    for write in (write_json, write_jsonl):
        with pytest.raises(DataError):
            load_dataset(write(tmp_path / "in.json", [first, second]), ADE)
