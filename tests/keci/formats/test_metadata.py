"""What each format tells of a document beside its text."""

from pathlib import Path

import orjson
import pytest

from keci.documents import Document, Extraction
from keci.errors import DataError
from keci.formats.limits import MOST_METADATA, checked_document
from keci.formats.metadata import citation, year_of
from keci.formats.read import read_documents, read_source
from keci.formats.stream import ReadOptions, Source

PUBMED = """<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>7</PMID><Article>
<Journal><JournalIssue><PubDate><MedlineDate>1998 Jan-Feb</MedlineDate></PubDate></JournalIssue>
<Title>Journal of Rashes</Title></Journal><ArticleTitle>A <i>severe</i> rash.</ArticleTitle>
<ELocationID EIdType="doi">10.1/x</ELocationID>
<Abstract><AbstractText>It came.</AbstractText></Abstract></Article></MedlineCitation>
</PubmedArticle></PubmedArticleSet>"""
JATS = """<article><front><journal-meta><journal-title-group><journal-title>J</journal-title>
</journal-title-group></journal-meta><article-meta><article-id pub-id-type="pmc">9</article-id>
<title-group><article-title>A rash</article-title></title-group>
<pub-date><year>2010</year></pub-date></article-meta></front><body><p>Text.</p></body></article>"""
BIOC = {
    "documents": [
        {
            "id": "5",
            "infons": {},
            "passages": [
                {
                    "offset": 0,
                    "infons": {"type": "front", "journal": "J", "year": "2011"},
                    "text": "A",
                },
                {"offset": 2, "infons": {"type": "abstract"}, "text": "B"},
            ],
        }
    ]
}
BIOC_XML = """<collection><source/><date/><key/><document><id>5</id><passage>
<infon key="type">title</infon><infon key="year">2011</infon><offset>0</offset><text>A</text>
</passage></document></collection>"""


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (PUBMED, {"title": "A severe rash.", "journal": "Journal of Rashes", "year": 1998,
                  "doi": "10.1/x"}),
        (JATS, {"title": "A rash", "journal": "J", "year": 2010}),
        (orjson.dumps(BIOC).decode(), {"title": "A", "journal": "J", "year": 2011}),
        (BIOC_XML, {"title": "A", "year": 2011}),
        ("1|t|A rash\n1|a|It came.\n", {"title": "A rash"}),
        ('{"id": "1", "text": "x", "year": 1999, "title": "T", "other": 1}',
         {"title": "T", "year": 1999}),
        ('{"id": "1", "text": "x", "metadata": {"pmid": [1, 2], "title": "own"}, "title": "T"}',
         {"title": "own", "pmid": [1, 2]}),
        ('{"id": "1", "text": "x"}', None),
    ],
)  # fmt: skip
def test_what_each_format_tells(tmp_path: Path, content: str, expected: object) -> None:
    path = tmp_path / "input"
    path.write_text(content, "utf-8")
    (document,) = read_documents([str(path)])
    assert isinstance(document, Document)
    assert document.metadata == expected
    silent = ReadOptions(metadata=False)
    (document,) = read_source(Source(str(path)), input_format="auto", options=silent)
    assert isinstance(document, Document)
    assert document.metadata is None


def test_a_text_field_is_no_metadata(tmp_path: Path) -> None:
    path = tmp_path / "input.jsonl"
    path.write_text('{"doi": "d", "title": "the text"}')
    (document,) = read_documents([str(path)], text_field="title", id_field="doi")
    assert isinstance(document, Document)
    assert (document.text, document.metadata) == ("the text", None)


def test_years_as_people_write_them() -> None:
    assert year_of("Winter 1998-1999") == 1998
    assert year_of("19980") is None
    assert citation(title="", year="soon") is None


def test_metadata_that_no_json_holds_are_mended_or_left_out() -> None:
    def checked(metadata: dict[str, object]) -> object:
        document = checked_document(Document("d", "t", metadata), "s", 1, ReadOptions())
        assert isinstance(document, Document)
        return document.metadata

    assert checked({"title": "a \ud800 b"}) == {"title": "a \ufffd b"}
    assert checked({"title": "x" * MOST_METADATA}) is None
    assert checked({"number": 10**30}) == {"number": 1e30}


def test_a_record_keeps_its_metadata() -> None:
    record = Extraction("d", "t", metadata={"year": 1999}).to_record()
    assert record["metadata"] == {"year": 1999}
    assert Extraction.from_record(record).metadata == {"year": 1999}
    assert "metadata" not in Extraction("d", "t").to_record()
    with pytest.raises(DataError, match="'metadata' must be an object"):
        Extraction.from_record({"id": "d", "text": "t", "metadata": [1]})
