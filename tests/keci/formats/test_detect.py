import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.errors import UsageError
from keci.formats.detect import detect_format
from keci.formats.read import READERS


@pytest.mark.parametrize(
    ("head", "name", "expected"),
    [
        (b'{"id": "1", "text": "a"}\n', "data.txt", "jsonl"),
        (b'\xef\xbb\xbf\n {"text": "a"}', "data", "jsonl"),
        (b"{", "data", "jsonl"),
        (b"not json\n", "data.jsonl", "jsonl"),
        (b"not json\n", "data.JSONL.gz", "jsonl"),
        (b"", "data.jsonl", "jsonl"),
        (b"", "stdin", "jsonl"),
        (b"", "data.txt", "text"),
        (b"<PubmedArticleSet>", "data", "pubmed"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- a --><MedlineCitationSet>', "x.txt", "pubmed"),
        (b'<!DOCTYPE PubmedArticleSet PUBLIC "-//x//y" "z.dtd">\n<PubmedArticleSet', "-", "pubmed"),
        (b'<!DOCTYPE r [<!ENTITY a "b">]><PubmedArticle>', "-", "pubmed"),
        (b"", "data.xml.gz", "pubmed"),
        (b"<collection>", "data", "bioc"),
        (b'<?xml version="1.0"?><!DOCTYPE article PUBLIC "a" "b"><article>', "x.xml", "jats"),
        (b'{"source": "PMC", "documents": [', "data", "bioc"),
        (b'[{"id": "1", "passages": [{', "data.json", "bioc"),
        (b'{"id": "1", "text": "\\"documents\\": ["}', "data.json", "jsonl"),
        (b"12|t|A title.\n12|a|Its text.", "data.txt", "pubtator"),
        (b'[{"id": "1"}]', "data", "jsonl"),
        (b"Aspirin helps.", "notes", "text"),
        (b"[Burkitt's lymphoma in 1985].", "notes.txt", "text"),
        (b"{curly} brackets", "notes.txt", "text"),
        (b"<5 mg was given", "notes.txt", "text"),
        (b"\xff bad bytes", "notes.txt", "text"),
    ],
)
def test_formats_are_found_by_content_then_name(head: bytes, name: str, expected: str) -> None:
    assert detect_format(head, name) == expected


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b'<?xml version="1.0"?><book>', "<book>"),
        (b"<!DOCTYPE html><html>", "<html>"),
        (b"%PDF-1.7", "PDF"),
        (b"PK\x03\x04", "zip"),
        (b"abc\x00\x01", "binary"),
        (b"<?xml", "without a root"),
        (b"\x1f\x8b\x08\x00", "compressed twice"),
        (b"a.txt".ljust(257, b"\0") + b"ustar\x0000", "a tar archive; unpack it"),
        (b"\xff\xfe<\x00", "UTF-16 text; write it as UTF-8"),
    ],
)
def test_what_is_not_read_is_named(head: bytes, found: str) -> None:
    with pytest.raises(UsageError, match="the formats read are jsonl") as caught:
        detect_format(head, "data.txt")
    assert found in str(caught.value)


@given(st.binary(max_size=200), st.sampled_from(["stdin", "a.txt", "a.xml", "a"]))
def test_any_content_gets_an_answer(head: bytes, name: str) -> None:
    try:
        found = detect_format(head, name)
    except UsageError as error:
        found = str(error)
    assert found in READERS or name in found
