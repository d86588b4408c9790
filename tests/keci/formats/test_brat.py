import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.documents import Document, Extraction
from keci.errors import DataError, UsageError
from keci.formats.brat import read_folder
from keci.formats.detect import detect_format
from keci.formats.read import read_stream
from keci.formats.stream import BOM, ContentStream, ReadOptions
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


FILES = {"d1.txt": b"Rash after\nAbc.", "d1.ann": b"T1\tEffect 0 4\tRash\n#1\tAnnotatorNotes T1\t"
         b"score 0.9100\nT2\tDrug 11 14\tAbc\nN2\tReference T2 X:1\tabc\nA1\tNegated T1\n"
         b"R1\tby Arg1:T1 Arg2:T2\n"}  # fmt: skip


def archive_of(files: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, content in files.items():
            made.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def read_back(files: Mapping[str, bytes]) -> list[Extraction]:
    return list(Format("brat").read(io.BytesIO(archive_of(files))))


def with_lines(*lines: bytes) -> dict[str, bytes]:
    return FILES | {"d1.ann": FILES["d1.ann"] + b"".join(line + b"\n" for line in lines)}


@pytest.mark.parametrize(
    "line",
    [b"#2\tAnnotatorNotes T1\tcheck", b"#2\tAnnotatorNotes T1\tlooks odd", b"#2\tAnnotatorNotes R1",
     b"#2\tAnnotatorNotes R1\tscore 0.1", b"A2\tConfidence T1 high", b"M1\tNegation T1",
     b"E1\tEffect:T1", b"*\tEquiv T1 T2", b"N9\tReference", b"", b"  ", b"#"],
)  # fmt: skip
def test_what_a_curator_adds_is_passed_over(line: bytes) -> None:
    assert read_back(with_lines(line)) == read_back(FILES)


def test_what_a_curator_adds_to_a_score_leaves_the_score() -> None:
    files = FILES | {"d1.ann": FILES["d1.ann"].replace(b"0.9100", b"0.9100; check")}
    assert read_back(files) == read_back(FILES)


def test_annotations_may_go_through_windows_and_lose_their_last_line_end() -> None:
    windows = {"d1.ann": BOM + FILES["d1.ann"].replace(b"\n", b"\r\n")}
    assert read_back(FILES | windows) == read_back(FILES)
    assert read_back(FILES | {"d1.ann": FILES["d1.ann"].rstrip()}) == read_back(FILES)
    assert read_back(FILES | {"d1.txt": BOM + FILES["d1.txt"]}) == read_back(FILES)


def test_the_files_of_an_archive_stand_in_any_order_among_others() -> None:
    second = {"d2.ann": b"", "d2.txt": b"two"}
    expected = read_back(FILES | {"d2.txt": b"two", "d2.ann": b""})
    mixed = {"d1.ann": FILES["d1.ann"], **second, "d1.txt": FILES["d1.txt"]}
    assert read_back(mixed) == expected[::-1]
    others = {
        "annotation.conf": b"[entities]",
        "__MACOSX/._d1.txt": b"\xff",
        "__MACOSX/._d1.ann": b"",
    }
    assert read_back(others | FILES | second) == expected


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (with_lines(b"T9\tDrug"), "document 'd1': expected 'T1', a tab, type and offsets"),
        (with_lines(b"T9\tDrug 0 4\tAbc"), "'Abc' is not what stands at 0 4"),
        (with_lines(b"R9\tby T1"), "document 'd1': expected 'R1'"),
        (with_lines(b"R9\tby Arg1:E1 Arg2:T2"), "'R9' names the entity 'E1', which is not there"),
        (FILES | {"d1.ann": b"\xff"}, "document 'd1': 'utf-8' codec"),
        (FILES | {"d2.ann": b""}, "has d2.ann without its .txt file"),
        ({"d1.txt": b""}, "without texts that have .ann files"),
    ],
)
def test_what_is_wrong_with_an_archive_is_told(files: dict[str, bytes], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_back(files)


def test_an_unpacked_archive_is_read(tmp_path: Path) -> None:
    documents = [Extraction(id_, f"text {number}") for number, id_ in enumerate(("a", "b", "é/ü"))]
    with zipfile.ZipFile(io.BytesIO(written(Format("brat"), [*documents, EXAMPLE]))) as whole:
        whole.extractall(tmp_path)
    (tmp_path / "._a.ann").touch()
    (tmp_path / "notes.txt").touch()
    found = {item.id: item.text for item in read_folder(tmp_path)}
    assert found == {item.id: item.text for item in (*documents, EXAMPLE)}
    (tmp_path / "a.txt").unlink()
    with pytest.raises(DataError, match=r"a.ann is there without its .txt file"):
        list(read_folder(tmp_path))


def archive(**files: bytes) -> bytes:
    return archive_of({name.replace("_", "."): content for name, content in files.items()})


OPTIONS = ReadOptions()


def contents_of(content: bytes, options: ReadOptions = OPTIONS) -> list[object]:
    stream = ContentStream(io.BufferedReader(io.BytesIO(content)), options)
    return [
        item.text if isinstance(item, Document) else getattr(item, "reason", item)
        for item in read_stream(stream, "x.zip", "brat", options)
    ]


def test_the_texts_of_an_archive_are_read() -> None:
    content = archive(
        b_txt=b"two", b_ann=b"", a_txt="\ufeff\u03b1".encode(), a_ann=b"", c_txt=b"no"
    )
    assert detect_format(content[:100], "x.zip") == "brat"
    assert contents_of(content) == ["two", "\u03b1"]


def test_what_is_wrong_with_an_archive_is_a_failure() -> None:
    good = archive(a_txt=b"one", a_ann=b"")
    (reason,) = contents_of(archive(a_txt=b"one"))
    assert "without texts that have .ann files" in str(reason)
    assert contents_of(archive(a_txt=b"\xff", a_ann=b"", b_txt=b"b", b_ann=b"")) == [
        "not valid UTF-8 at byte 0: invalid start byte", "b",
    ]  # fmt: skip
    (reason,) = contents_of(good[:-30])
    assert "no end" in str(reason)
    (reason,) = contents_of(good.replace(b"one", b"two", 1))
    assert "damaged archive: Bad CRC-32" in str(reason)
    few = ReadOptions(max_record_bytes=2)
    assert contents_of(good, few) == ["the text is longer than the limit of 2 bytes"]
    large = archive(a_txt=b"x" * (1 << 20), a_ann=b"")
    (reason,) = contents_of(large, ReadOptions(max_input_bytes=1 << 19))
    assert "longer than the limit" in str(reason) or "expands beyond" in str(reason)


@pytest.mark.parametrize("folders", [["corpus/"], ["corpus/", "corpus/train/"]])
def test_folders_may_stand_before_the_files(folders: list[str]) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for folder in folders:
            archive.writestr(folder, b"")
        archive.writestr(f"{folders[-1]}d1.ann", b"")
        archive.writestr(f"{folders[-1]}d1.txt", b"Rash.")
    assert detect_format(file.getvalue(), "a.zip") == "brat"


def test_an_archive_of_other_files_is_no_brat() -> None:
    with pytest.raises(UsageError, match="zip archive"):
        detect_format(archive(word_xml=b"<a/>"), "x.docx")
