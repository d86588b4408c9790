"""Every limit against hostile input: a setting, and a clear failure of the one record."""

import gzip
import io
from dataclasses import fields

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.documents import Document, Failure
from keci.errors import UsageError
from keci.formats import stream as sources
from keci.formats.limits import CHOICES, limit_names, with_limits
from keci.formats.read import read_stream
from keci.formats.stream import ContentStream, ReadOptions

GOOD = b'{"id": "ok", "text": "Oh."}\n'
PUBMED = (
    b"<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID><Article><ArticleTitle>%b"
    b"</ArticleTitle></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>"
)


def read(content: bytes, form: str, *settings: str) -> list[Document | Failure]:
    options = with_limits(ReadOptions(), settings)
    stream = ContentStream(io.BufferedReader(io.BytesIO(content)), options)
    return [
        item
        for item in read_stream(stream, "in", form, options)
        if isinstance(item, Document | Failure)
    ]


def failure(content: bytes, form: str, *settings: str) -> Failure:
    (record,) = read(content, form, *settings)
    assert isinstance(record, Failure)
    return record


@pytest.mark.parametrize(
    ("line", "setting", "reason"),
    [
        (b'{"text": "' + b"x" * 500 + b'"}', "max_record_bytes=400", "than the limit of 400"),
        (b'{"text": "a", "more": [[[]]]}', "max_json_depth=3", "deeper than the limit of 3"),
        (b'{"text": "a bcde"}', "max_word_characters=3", "a word of 4 characters"),
        (b'{"id": "abcd", "text": ""}', "max_id_characters=3", "the id has 4 characters"),
        (b'{"text": "caf\xe9"}', "invalid_utf8=fail", "not valid UTF-8"),
        (b'{"text": "\\ud800"}', "lone_surrogates=fail", "surrogate"),
        (b'{"text": "a\\u0000"}', "nul=fail", "the NUL character at character 1"),
        (b'{"id": "\\u0000", "text": ""}', "nul=fail", "the NUL character at character 0"),
    ],
)  # fmt: skip
def test_a_record_beyond_a_limit_fails_alone(line: bytes, setting: str, reason: str) -> None:
    first, refused, last = read(GOOD + line + b"\n" + GOOD, "jsonl", setting)
    assert first == last == Document("ok", "Oh.")
    assert isinstance(refused, Failure)
    assert reason in refused.reason
    assert refused.position == 2


@pytest.mark.parametrize(
    ("line", "setting", "text"),
    [
        (b'{"text": "a", "more": [[[]]]}', "max_json_depth=4", "a"),
        (b'{"text": "a bcd"}', "max_word_characters=3", "a bcd"),
        (b'{"text": "caf\xe9!"}', "invalid_utf8=replace", "caf�!"),
        (b'{"text": "\\ud800a \\\\ud800 \\ud83d\\ude00"}', "lone_surrogates=replace",
         "�a \\ud800 😀"),
        (b'{"text": "a\\u0000"}', "nul=keep", "a\x00"),
        (b'{"text": "a\\u0000"}', "nul=replace", "a�"),
    ],
)  # fmt: skip
def test_what_is_within_a_limit_is_read(line: bytes, setting: str, text: str) -> None:
    assert [record.text for record in read(line, "jsonl", setting)] == [text]  # type: ignore[union-attr]


def test_every_format_has_the_limits_of_its_texts() -> None:
    bioc = b'{"documents": [{"id": 1, "passages": [{"offset": 0, "text": "%b"}]}]}'
    for form, template in {
        "text": b"%b", "brat": b"%b", "pubtator": b"1|t|%b\n", "pubmed": PUBMED, "bioc": bioc,
    }.items():  # fmt: skip
        assert "a word of 9" in failure(template % (b"x" * 9), form, "max_word_characters=8").reason
    assert "NUL" in failure(b"a\x00", "text").reason
    assert "NUL" in failure(b"1|t|\x00\n", "pubtator").reason
    assert "surrogate" in failure(bioc % b"\\udc00", "bioc").reason
    assert "UTF-8" in failure(b"caf\xe9", "text").reason
    assert "UTF-8" in failure(b"1|t|caf\xe9\n", "pubtator").reason
    assert "well-formed" in failure(PUBMED % b"\xff", "pubmed").reason
    replaced = read(PUBMED % b"\xff", "pubmed", "invalid_utf8=replace")
    assert replaced == [Document("1", "�")]


def test_depth_of_every_nested_format_is_limited() -> None:
    deep = b"<b>" * 9 + b"</b>" * 9
    jats = b"<article><front/><body><p>%b</p></body></article>" % deep
    bioc = (b"<collection><document><id>1</id><passage><text>a</text>%b</passage></document>"
            b"</collection>") % deep  # fmt: skip
    for content, form in ((PUBMED % deep, "pubmed"), (jats, "jats"), (bioc, "bioc")):
        reason = failure(content, form, "max_xml_depth=9").reason
        assert reason == "the XML is nested deeper than the limit of 9"
        (document,) = read(content, form)
        assert isinstance(document, Document)
    nested = b'{"documents": [{"id": 1, "x": [[[]]], "passages": [{"offset": 0, "text": "a"}]}]}'
    assert "deeper" in failure(nested, "bioc", "max_json_depth=3").reason


def test_the_size_of_an_input_is_limited() -> None:
    lines = GOOD * 20_000
    for content in (lines, gzip.compress(lines)):
        *documents, last = read(content, "jsonl", "max_input_bytes=100000")
        assert len(documents) > 1000
        assert isinstance(last, Failure)
        assert last.reason == "the input is longer than the limit of 100,000 bytes"


def test_the_expansion_of_an_input_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "UNCHECKED_BYTES", 1000)
    content = gzip.compress(GOOD * 50_000)
    *_, last = read(content, "jsonl", "max_expansion=10")
    assert isinstance(last, Failure)
    assert "expands beyond the limit of 10 times" in last.reason


def test_only_utf8_is_mended() -> None:
    latin = b"<?xml version='1.0' encoding='iso-8859-1'?>" + PUBMED % b"caf\xe9"
    assert read(latin, "pubmed", "invalid_utf8=replace") == [Document("1", "café")]


@given(st.binary(max_size=200))
def test_mended_bytes_are_what_python_makes_of_them(content: bytes) -> None:
    options = ReadOptions(invalid_utf8="replace")
    stream = ContentStream(io.BufferedReader(io.BytesIO(b" " + content)), options)
    mended = b"".join(iter(stream.read, b""))
    assert mended.decode() == f" {content.decode('utf-8', 'replace')}"


@given(st.text(st.characters(exclude_categories=()), max_size=30))
def test_escapes_are_mended_as_python_does(text: str) -> None:
    import json

    line = json.dumps({"text": text}).encode()
    (record,) = read(line, "jsonl", "lone_surrogates=replace", "nul=keep")
    expected = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert isinstance(record, Document)
    assert record.text.encode("utf-16").decode("utf-16") == expected


def test_every_limit_can_be_set() -> None:
    names = {field.name for field in fields(ReadOptions)} - {"text_field", "id_field", "metadata"}
    assert set(limit_names()) == names
    for name in names:
        value = CHOICES[name][-1] if name in CHOICES else "7"
        assert str(getattr(with_limits(ReadOptions(), [f"{name}={value}"]), name)) == value


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("max_words=3", "expected a limit as NAME=VALUE with one of max_record_bytes"),
        ("nul", "expected a limit"),
        ("text_field=a", "expected a limit"),
        ("nul=drop", "nul must be one of fail, replace, keep, got 'drop'"),
        ("max_record_bytes=0", "a whole number above 0, got '0'"),
        ("max_record_bytes=1e6", "a whole number above 0"),
        ("max_xml_depth=501", "from 1 to 500, got '501'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        with_limits(ReadOptions(), [setting])


def test_a_refused_document_is_kept() -> None:
    refused = failure(orjson.dumps({"id": "a", "text": "b\x00"}), "jsonl")
    assert refused.format == "document"
    assert orjson.loads(refused.original) == {"id": "a", "text": "b\x00"}
