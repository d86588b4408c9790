"""The counts that ../shared/data/README.md promises, by the readers; skipped where it is absent."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from keci.data.datasets import load_dataset
from keci.documents import Document, Failure
from keci.formats.read import read_source
from keci.formats.stream import Deletion, ReadOptions, Source
from keci.schema import BIORED

DATA = Path(__file__).parents[4] / "shared" / "data"
needs_pubmed = pytest.mark.skipif(not (DATA / "pubmed").is_dir(), reason="needs ../shared/data")
needs_biored = pytest.mark.skipif(not (DATA / "biored").is_dir(), reason="needs ../shared/data")


def contents(name: str, folder: str = "pubmed") -> Iterator[Document | Failure | Deletion]:
    source = Source(str(DATA / folder / name))
    return read_source(source, input_format="auto", options=ReadOptions())


def named_ids(name: str, folder: str) -> list[str]:
    """The ids of a file's records, by lxml's whole tree or PubTator's titles."""
    path = DATA / folder / name
    content = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    if name.endswith(".PubTator"):
        lines = content.decode().splitlines()
        return [line.partition("|")[0] for line in lines if line.partition("|")[2][:2] == "t|"]
    record, name_of_id = ("document", "id") if folder == "biored" else ("MedlineCitation", "PMID")
    return [item.findtext(name_of_id) or "" for item in etree.fromstring(content).iter(record)]


@needs_pubmed
@needs_biored
@pytest.mark.parametrize(
    ("folder", "name", "records"),
    [("pubmed", "pubmedsample18n0001.xml.gz", 177), ("pubmed", "pubmed22n1313.xml.gz", 4),
     ("pubmed", "efetch-export.xml", 106), ("pubmed", "documentSet.xml.gz", 10),
     ("biored", "Train.PubTator", 400), ("biored", "Train.BioC.XML", 400),
     ("biored", "Dev.PubTator", 100), ("biored", "Dev.BioC.XML", 100)],
)  # fmt: skip
def test_every_record_comes_out(folder: str, name: str, records: int) -> None:
    found = [item for item in contents(name, folder) if not isinstance(item, Deletion)]
    assert [item.id for item in found] == named_ids(name, folder)
    assert len(found) == records


@needs_pubmed
def test_the_sample_of_pubmed() -> None:
    documents = list(contents("pubmedsample18n0001.xml.gz"))
    assert all(isinstance(content, Document) for content in documents)
    assert len(documents) == 177
    # 109 have an Abstract, three others an English OtherAbstract.
    assert sum("\n\n" in getattr(content, "text", "") for content in documents) == 109 + 3


@needs_pubmed
def test_deletions_of_an_update_file() -> None:
    found = list(contents("pubmed22n1313.xml.gz"))
    assert sum(isinstance(content, Deletion) for content in found) == 559
    assert not any(isinstance(content, Failure) for content in found)


@needs_pubmed
@pytest.mark.parametrize("name", ["efetch-export.xml", "documentSet.xml.gz"])
def test_other_exports(name: str) -> None:
    found = list(contents(name))
    assert found
    assert all(isinstance(content, Document) and content.text for content in found)


@needs_biored
@pytest.mark.parametrize(
    ("name", "documents", "mentions", "relations"),
    [("Train.PubTator", 400, 13_351, 4_178), ("Train.BioC.XML", 400, 13_351, 4_178),
     ("Dev.PubTator", 100, 3_533, 1_162), ("Dev.BioC.XML", 100, 3_533, 1_162)],
)  # fmt: skip
def test_biored(name: str, documents: int, mentions: int, relations: int) -> None:
    dataset = load_dataset(DATA / "biored" / name, BIORED)
    assert len(dataset.documents) == documents
    spans = [
        {(item.start, item.end, item.type) for item in document.extraction.mentions}
        for document in dataset.documents
    ]
    assert sum(map(len, spans)) == mentions
    assert sum(len(document.interactions) for document in dataset.documents) == relations
