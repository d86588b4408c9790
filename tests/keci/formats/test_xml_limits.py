"""Records of XML that are too much, and what stays in memory of an input."""

import gzip
import io
import subprocess
import sys
from pathlib import Path

import pytest

from keci.documents import Document, Failure
from keci.formats.pubmed import read_pubmed
from keci.formats.stream import ContentStream, Deletion, ReadOptions

CITATION = (
    "<PubmedArticle><MedlineCitation><PMID>%s</PMID><Article><ArticleTitle>T%s</ArticleTitle>"
    "</Article></MedlineCitation>%s</PubmedArticle>"
)
OPTIONS = ReadOptions(max_xml_elements=20_000)


def read(content: str, options: ReadOptions = OPTIONS) -> list[Document | Failure | Deletion]:
    stream = ContentStream(io.BufferedReader(io.BytesIO(content.encode())), options)
    return list(read_pubmed(stream, "x", options))


def collection(*records: str) -> str:
    return f"<PubmedArticleSet>{''.join(records)}</PubmedArticleSet>"


@pytest.mark.parametrize("filling", ["<a/>", "<a>text</a>tail ", "<b><c/><c>x</c></b>\n"])
def test_a_record_with_too_many_elements_fails_alone(filling: str) -> None:
    records = [CITATION % (1, 1, ""), CITATION % (2, 2, filling * 60_000), CITATION % (3, 3, "")]
    first, failed, last = read(collection(*records))
    assert first == Document("1", "T1")
    assert last == Document("3", "T3")
    assert isinstance(failed, Failure)
    assert "more elements than the limit of 20,000" in failed.reason


def test_elements_outside_records_are_bounded() -> None:
    *_, failed = read(collection(CITATION % (1, 1, ""), "<x/>" * 100_000))
    assert isinstance(failed, Failure)
    assert "no record begins within the limit of 20,000 elements" in failed.reason


def test_names_are_bounded() -> None:
    names = "".join(f"<n{number}/>" for number in range(500))
    records = [CITATION % (number, number, "") for number in range(2000)]
    few = ReadOptions(max_xml_names=100)
    *_, failed = read(collection(*records, names), few)
    assert isinstance(failed, Failure)
    assert "more names of elements and attributes than the limit of 100" in failed.reason
    assert len(read(collection(*records), few)) == 2000


@pytest.mark.parametrize(
    "tag",
    [
        "<a {}/>",
        "<a x='>' {}/>",
        '<a x=">" {} y=">"/>',
        "<a x='\n>' \n{}></a>",
        "<a x = 'b=\"c\"' {}/>",
    ],
)
@pytest.mark.parametrize("name", ["n{}=''", "n{} =\n''", 'xmlns:p="u{}"', "p:n{}='1'"])
def test_names_of_attributes_are_bounded(tag: str, name: str) -> None:
    attributes = [name.format(number) for number in range(500)]
    is_space = name.startswith("xmlns")
    content = "".join(tag.format(each) for each in attributes)
    if not is_space:
        content += tag.format(" ".join(attributes))
    head = "<?xml version='1.0'?><PubmedArticleSet xmlns:p='p'>"
    few = ReadOptions(max_xml_names=300)
    contents = read(f"{head}{CITATION % (1, 1, '')}{content}</PubmedArticleSet>", few)
    failed = contents[-1]
    assert isinstance(failed, Failure)
    assert "more names of elements and attributes than the limit of 300" in failed.reason


def test_values_of_attributes_are_no_names() -> None:
    values = "".join(f"<a b='n{number} = 1' c=\"d{number}='e'\"/>" for number in range(500))
    few = ReadOptions(max_xml_names=100)
    assert len(read(collection(CITATION % (1, 1, ""), values), few)) == 1


def test_a_tag_over_many_chunks_is_bounded() -> None:
    names = " ".join(f"n{number}=''" for number in range(30_000))
    first, failed = read(collection(CITATION % (1, 1, ""), f"<a {names}/>"))
    assert first == Document("1", "T1")
    assert isinstance(failed, Failure)
    assert "more names of elements and attributes" in failed.reason
    value = "x" * (11 << 20)
    first, failed = read(collection(CITATION % (1, 1, ""), f"<a b='{value}'/>"))
    assert isinstance(failed, Failure)
    assert "a tag is longer than the limit of 10,485,760 bytes" in failed.reason


def test_long_names_are_bounded() -> None:
    names = "".join(f"<n{number:0>1000}/>" for number in range(50))
    *_, failed = read(collection(CITATION % (1, 1, ""), names), ReadOptions(max_xml_names=100))
    assert isinstance(failed, Failure)
    assert "more names" in failed.reason


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_wrappers_of_records_are_freed(tmp_path: Path) -> None:
    wrapped = "<w>" + CITATION % (1, 1, "") + "<z/>" * 50 + "</w>"
    path = tmp_path / "x.xml.gz"
    path.write_bytes(gzip.compress(collection(wrapped * 8_000).encode(), 1))
    assert _peak_megabytes(path) < 30


def _peak_megabytes(path: Path) -> int:
    """How much reading a file adds to a process's memory, in a process of its own.

    Not by ru_maxrss, which a process takes over from the one that started it.
    """
    code = f"""
from keci.formats.read import read_documents
def peak(): return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
before = peak()
for _ in read_documents([{str(path)!r}]): pass
print((peak() - before) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return int(done.stdout)
