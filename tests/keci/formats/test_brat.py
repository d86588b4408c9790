import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.documents import Extraction
from keci.formats.write import Format
from tests.keci.corpus.outputs.examples import EXAMPLE
from tests.keci.formats.test_write import written

LONG = "x" * 200
IDS = ("a", "a", "a~2", "A", "a~2", "a~2~2", "%7E", "~", "~", "é/ü~", LONG, LONG, f"{LONG}y", "")


@pytest.mark.parametrize("ids", [IDS, IDS[::-1]])
def test_every_document_has_files_of_its_own_and_keeps_its_id(ids: tuple[str, ...]) -> None:
    documents = [Extraction(id_, f"text {number}") for number, id_ in enumerate(ids)]
    content = written(Format("brat"), documents)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [name.casefold() for name in archive.namelist()]
    assert len(set(names)) == len(names) == 2 * len(ids)
    found = [(item.id, item.text) for item in Format("brat").read(io.BytesIO(content))]
    assert found == [(item.id or "_", item.text) for item in documents]


@given(st.lists(st.text(st.sampled_from("aA~2%_/ "), max_size=4)))
def test_any_ids_are_kept_apart(ids: list[str]) -> None:
    documents = [Extraction(id_, f"text {number}") for number, id_ in enumerate(ids)]
    content = written(Format("brat"), documents)
    found = [(item.id, item.text) for item in Format("brat").read(io.BytesIO(content))]
    assert found == [(item.id or "_", item.text) for item in documents]


def test_brat_files() -> None:
    with zipfile.ZipFile(io.BytesIO(written(Format("brat"), [EXAMPLE, EXAMPLE]))) as archive:
        assert archive.namelist() == ["d%2F2.txt", "d%2F2.ann", "d%2F2~2.txt", "d%2F2~2.ann"]
        assert archive.read("d%2F2.txt").decode() == EXAMPLE.text
        assert archive.read("d%2F2.ann").decode() == (
            "T1\tAdverse_Effect 0 4\tRash\n"
            "#1\tAnnotatorNotes T1\tscore 0.9100\n"
            "T2\tEffect 10 12;13 17\tαβ pain\n"
            "N2\tReference T2 KB:X\tbeta\n"
            "#2\tAnnotatorNotes T2\tscore 0.5000\n"
            "T3\tDrug 24 27\tAbc\n"
            "N3\tReference T3 MESH:D9\tabc\n"
            "#3\tAnnotatorNotes T3\tscore 0.7500\n"
            "R1\tcaused_by Arg1:T1 Arg2:T3\n"
        )
