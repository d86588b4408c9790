import io
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from keci.documents import Document, Failure
from keci.formats.bioc import read_bioc
from keci.formats.read import read_documents
from keci.formats.stream import ContentStream, ReadOptions

SHARED = Path(__file__).parents[4] / "shared" / "data" / "biored"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the BioRED files are not here")
XML_TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
)


def read(content: str | bytes, options: ReadOptions | None = None) -> list[Document | Failure]:
    raw = content.encode() if isinstance(content, str) else content
    stream = ContentStream(io.BufferedReader(io.BytesIO(raw)))
    return list(read_bioc(stream, "in", options or ReadOptions()))


def collection(*documents: str) -> str:
    return f"<?xml version='1.0'?><collection><source>s</source>{''.join(documents)}</collection>"


def passage(offset: object, text: str) -> str:
    return (
        f"<passage><infon key='type'>t</infon><offset>{offset}</offset><text>{text}</text>"
        "<annotation id='1'><location offset='0' length='1'/><text>no</text></annotation></passage>"
    )


def test_passages_lie_at_their_offsets() -> None:
    parts = passage(0, "A <b>title</b>?".replace("<b>", "").replace("</b>", "")) + passage(
        9, "Text. "
    )
    assert read(collection(f"<document><id>7</id>{parts}{passage(15, 'End')}</document>")) == [
        Document("7", "A title?\nText. End")
    ]


def test_sentences_stand_in_for_a_passage_text() -> None:
    sentences = "".join(
        f"<sentence><offset>{offset}</offset><text>{text}</text></sentence>"
        for offset, text in ((0, "One."), (5, "Two."))
    )
    content = collection(
        f"<document><id>7</id><passage><offset>0</offset>{sentences}</passage></document>"
    )
    assert read(content) == [Document("7", "One.\nTwo.")]


@given(st.lists(st.tuples(XML_TEXT.filter(str.strip), XML_TEXT), max_size=4))
def test_xml_and_json_say_the_same(documents: list[tuple[str, str]]) -> None:
    root = etree.Element("collection")
    for name, text in documents:
        document = etree.SubElement(root, "document")
        etree.SubElement(document, "id").text = name.strip()
        part = etree.SubElement(document, "passage")
        etree.SubElement(part, "offset").text = "0"
        etree.SubElement(part, "text").text = text
    records = [
        {"id": name.strip(), "passages": [{"offset": 0, "text": text}]} for name, text in documents
    ]
    expected = [Document(name.strip(), text) for name, text in documents]
    assert read(etree.tostring(root)) == expected
    assert read(orjson.dumps({"source": "s", "documents": records})) == expected


DOCUMENT = {"id": 7, "passages": [{"offset": 0, "text": "A."}, {"offset": 3, "text": "B."}]}


@pytest.mark.parametrize(
    "content",
    [
        orjson.dumps({"source": "s", "infons": {}, "documents": [DOCUMENT, DOCUMENT]}),
        orjson.dumps([{"source": "s", "documents": [DOCUMENT]}] * 2),
        orjson.dumps({"PubTator3": [DOCUMENT, DOCUMENT]}),
        orjson.dumps([DOCUMENT, DOCUMENT]),
        orjson.dumps(DOCUMENT) + b"\n\n" + orjson.dumps(DOCUMENT) + b"\n",
        b"\xef\xbb\xbf" + orjson.dumps(DOCUMENT) * 2,
    ],
)
def test_every_nesting_of_json_is_read(content: bytes) -> None:
    assert read(content) == [Document("7", "A.\nB.")] * 2


def test_json_sentences_and_missing_ids() -> None:
    sentences = [{"offset": 0, "text": "A."}, {"offset": 3, "text": "B."}]
    record = {"passages": [{"offset": 0, "sentences": sentences}, {"offset": 5, "text": None}]}
    assert read(orjson.dumps({"documents": [record]})) == [Document("in:1", "A.\nB.")]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b'{"id": "x"}', "no list of passages"),
        (b'{"id": "x", "passages": [5]}', "no list of passages"),
        (b'{"id": "x", "passages": [{"text": 5}]}', "no list of passages"),
        (b'{"id": "x", "passages": [{"text": "\\ud800"}]}', "not valid JSON"),
        (b'{"id": "x", "passages": [{"text": "\xff"}]}', "not valid JSON"),
    ],
)
def test_a_bad_json_document_fails_alone(document: bytes, reason: str) -> None:
    good = orjson.dumps(DOCUMENT)
    first, failure, last = read(b'{"documents": [' + b",".join((good, document, good)) + b"]}")
    assert isinstance(first, Document)
    assert isinstance(last, Document)
    assert isinstance(failure, Failure)
    assert failure.position == 2
    assert reason in failure.reason
    assert failure.excerpt == document.decode("utf-8", "replace")


@pytest.mark.parametrize(
    "content",
    [
        collection(f"<document><id>7</id>{passage(0, 'A.')}</document>" * 3).encode(),
        orjson.dumps({"documents": [DOCUMENT] * 3}),
    ],
)
def test_every_truncation_gives_whole_documents_then_one_failure(content: bytes) -> None:
    whole = read(content)
    assert len(whole) == 3
    for cut in range(1, len(content)):
        *documents, failure = read(content[:cut])
        assert documents == whole[: len(documents)]
        assert isinstance(failure, Failure)
        assert failure.position == len(documents) + 1


@pytest.mark.parametrize("content", ["<PubmedArticleSet/>", "[1, 2]", "words", ""])
def test_what_is_no_bioc_is_a_failure(content: str) -> None:
    (failure,) = read(content)
    assert isinstance(failure, Failure)


@needs_shared
@pytest.mark.parametrize(("name", "count"), [("Train", 400), ("Dev", 100)])
def test_biored_is_the_same_in_both_formats(name: str, count: int) -> None:
    xml = list(read_documents([str(SHARED / f"{name}.BioC.XML")]))
    tabbed = list(read_documents([str(SHARED / f"{name}.PubTator")]))
    assert all(isinstance(record, Document) for record in xml)
    assert len(xml) == count
    assert xml == tabbed


@needs_shared
def test_the_text_fits_the_annotations_of_biored() -> None:
    path = SHARED / "Dev.BioC.XML"
    texts = {record.id: record.text for record in read_documents([str(path)])}
    for document in etree.parse(path).iter("document"):
        for annotation in document.iter("annotation"):
            place = annotation.find("location")
            start, length = int(place.get("offset")), int(place.get("length"))
            surface = texts[document.findtext("id")][start : start + length]
            assert surface == annotation.findtext("text")
