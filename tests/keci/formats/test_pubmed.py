import gzip
import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from keci.documents import Document, Failure
from keci.formats.pubmed import read_pubmed
from keci.formats.read import read_documents
from keci.formats.stream import ContentStream, Deletion, ReadOptions

OTHER = (3, 1)
"""Citations whose only abstract is an English OtherAbstract, in two of the files."""

SHARED = Path(__file__).parents[4] / "shared" / "data" / "pubmed"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the PubMed files are not here")


def read(content: str | bytes, options: ReadOptions | None = None) -> list[Document | Failure]:
    return [item for item in events(content, options) if not isinstance(item, Deletion)]


def events(
    content: str | bytes, options: ReadOptions | None = None
) -> Iterator[Document | Failure | Deletion]:
    raw = content.encode() if isinstance(content, str) else content
    stream = ContentStream(io.BufferedReader(io.BytesIO(raw)))
    return read_pubmed(stream, "in.xml", options or ReadOptions())


def article(pmid: str, body: str) -> str:
    return (
        f"<PubmedArticle><MedlineCitation>{pmid}<Article>{body}</Article>"
        "<CommentsCorrectionsList><CommentsCorrections><PMID>999</PMID></CommentsCorrections>"
        "</CommentsCorrectionsList></MedlineCitation><PubmedData/></PubmedArticle>"
    )


def article_set(*articles: str) -> str:
    return f"<?xml version='1.0'?>\n<PubmedArticleSet>\n{''.join(articles)}\n</PubmedArticleSet>"


def text_of(body: str) -> str:
    (document,) = read(article_set(article("<PMID>1</PMID>", body)))
    assert isinstance(document, Document)
    return document.text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<ArticleTitle>A title.</ArticleTitle>", "A title."),
        (
            "<ArticleTitle>T.</ArticleTitle><Abstract><AbstractText>One. Two.</AbstractText>"
            "<CopyrightInformation>Ours</CopyrightInformation></Abstract>",
            "T.\n\nOne. Two.",
        ),
        (
            '<ArticleTitle>T.</ArticleTitle><Abstract><AbstractText Label="BACKGROUND">B.'
            '</AbstractText><AbstractText Label="UNLABELLED">U.</AbstractText>'
            '<AbstractText Label="METHODS"/><AbstractText>R.</AbstractText></Abstract>',
            "T.\n\nBACKGROUND: B.\n\nU.\n\nR.",
        ),
        (
            "<Abstract><AbstractText><b>AIM:</b>To see.<b>METHODS:</b> We saw.</AbstractText>"
            "</Abstract>",
            "AIM: To see. METHODS: We saw.",
        ),
        (
            "<ArticleTitle>The <i>E. <b>coli</b></i> Ca<sup>2+</sup>\n  pump<sub/>.</ArticleTitle>",
            "The E. coli Ca2+ pump.",
        ),
        (
            '<ArticleTitle>At <m:math xmlns:m="urn:m"><m:mi>x</m:mi><m:mo>&lt;</m:mo><m:mn>2</m:mn>'
            "</m:math> only<!-- no --><?no no?>.</ArticleTitle>",
            "At x<2 only.",
        ),
        ("<ArticleTitle/><VernacularTitle>Ein Titel.</VernacularTitle>", "Ein Titel."),
        ("<ArticleTitle>T.</ArticleTitle><VernacularTitle>V.</VernacularTitle>", "T."),
        ("<Abstract><AbstractText>Alone.</AbstractText></Abstract>", "Alone."),
        ("<ArticleTitle/>", ""),
        (
            "<ArticleTitle>\u03b1 \U0001f9ec &#x3b2; a\u00a0b</ArticleTitle>",
            "α \U0001f9ec β a\u00a0b",
        ),
    ],
)
def test_the_text_of_a_citation(body: str, text: str) -> None:
    assert text_of(body) == text


@pytest.mark.parametrize(
    ("abstract", "language", "text"),
    [
        ("", ' Language="fre"', "T."),
        ("", ' Language="eng"', "T.\n\nOther."),
        ("", "", "T.\n\nOther."),
        ("<Abstract><AbstractText/></Abstract>", "", "T.\n\nOther."),
        ("<Abstract><AbstractText>A.</AbstractText></Abstract>", "", "T.\n\nA."),
        (
            "<Abstract><AbstractText>[No abstract available]</AbstractText></Abstract>",
            "",
            "T.\n\nOther.",
        ),
    ],
)
def test_an_english_other_abstract_stands_in(abstract: str, language: str, text: str) -> None:
    content = (
        "<MedlineCitationSet><MedlineCitation><PMID>5</PMID><Article><ArticleTitle>T."
        f"</ArticleTitle>{abstract}</Article><OtherAbstract{language}><AbstractText>Other."
        "</AbstractText></OtherAbstract></MedlineCitation><MedlineCitation><PMID>6</PMID>"
        "</MedlineCitation></MedlineCitationSet>"
    )
    assert read(content) == [Document("5", text), Document("6", "")]


@pytest.mark.parametrize(
    "title", ["[Not Available].", "[Not Available]", "Not Available.", "[In Process Citation]"]
)
def test_a_title_that_is_not_available_is_none(title: str) -> None:
    given = f"<ArticleTitle>{title}</ArticleTitle>"
    assert text_of(given) == ""
    assert text_of(f"{given}<VernacularTitle>Ein Titel.</VernacularTitle>") == "Ein Titel."


def test_books_are_read() -> None:
    book = (
        "<PubmedBookArticle><BookDocument><PMID>8</PMID><Book><BookTitle>A book</BookTitle></Book>"
        "{}<Abstract><AbstractText>In it.</AbstractText></Abstract></BookDocument>"
        "</PubmedBookArticle>"
    )
    chapter = book.format("<ArticleTitle>A chapter</ArticleTitle>")
    assert read(article_set(book.format(""), chapter)) == [
        Document("8", "A book\n\nIn it."),
        Document("8", "A chapter\n\nIn it."),
    ]


def test_versions_above_one_are_part_of_the_id() -> None:
    records = read(
        article_set(
            article('<PMID Version="1">20</PMID>', ""), article('<PMID Version="2">20</PMID>', "")
        )
    )
    assert [record.id for record in records] == ["20", "20.2"]


def test_a_citation_without_pmid_fails_alone() -> None:
    good = article("<PMID>1</PMID>", "")
    first, second, third = read(article_set(good, article("", ""), good))
    assert isinstance(first, Document)
    assert isinstance(third, Document)
    assert isinstance(second, Failure)
    assert (second.position, second.reason) == (2, "the citation has no PMID")
    assert second.excerpt.startswith("<PubmedArticle>")


def test_deletions_come_in_their_place() -> None:
    deletion = '<DeleteCitation><PMID>3</PMID><PMID Version="2">4</PMID></DeleteCitation>'
    content = article_set(article("<PMID>1</PMID>", ""), deletion)
    assert list(events(content)) == [Document("1", ""), Deletion("3"), Deletion("4.2")]


def test_a_citation_that_is_too_deep_fails_alone() -> None:
    def nested(depth: int) -> str:
        return article("<PMID>1</PMID>", f"{'<a>' * depth}x{'</a>' * depth}")

    content = article_set(nested(17), nested(18))
    first, second = read(content, ReadOptions(max_xml_depth=20))
    assert isinstance(first, Document)
    assert isinstance(second, Failure)
    assert second.reason == "the XML is nested deeper than the limit of 20"
    assert second.original == nested(18).encode()


def test_every_truncation_gives_whole_citations_then_one_failure() -> None:
    content = article_set(*(article(f"<PMID>{n}</PMID>", "") for n in range(1, 5))).encode()
    whole = read(content)
    for cut in range(len(content)):
        *documents, failure = read(content[:cut])
        assert documents == whole[: len(documents)]
        assert isinstance(failure, Failure)
        assert failure.position == len(documents) + 1
        assert len(documents) == content[:cut].count(b"</PubmedArticle>")


def test_damage_in_the_middle_gives_what_came_before() -> None:
    good = article("<PMID>1</PMID>", "")
    first, failure = read(article_set(good, "<PubmedArticle></oops>", good))
    assert isinstance(first, Document)
    assert isinstance(failure, Failure)
    assert "not well-formed XML" in failure.reason


def with_doctype(doctype: str, title: str) -> str:
    content = article_set(article("<PMID>1</PMID>", f"<ArticleTitle>{title}</ArticleTitle>"))
    return content.replace("?>", f"?><!DOCTYPE PubmedArticleSet {doctype}>", 1)


def test_entities_are_never_resolved(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    doctype = f'SYSTEM "{secret.as_uri()}" [<!ENTITY file SYSTEM "{secret.as_uri()}">]'
    assert read(with_doctype(doctype, "&file;&alpha;&amp;beta;")) == [
        Document("1", "&file;α&beta;")
    ]


def test_an_entity_bomb_is_refused() -> None:
    bomb = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    (failure,) = read(with_doctype(f'[<!ENTITY l0 "lol">{bomb}]', "&l11;"))
    assert isinstance(failure, Failure)
    assert "amplification" in failure.reason


def test_other_xml_is_a_failure() -> None:
    (failure,) = read("<collection><document/></collection>")
    assert isinstance(failure, Failure)
    assert "the root element <collection>" in failure.reason
    (failure,) = read("")
    assert isinstance(failure, Failure)


def test_an_empty_set_has_no_records() -> None:
    assert read(article_set()) == []


def test_a_citation_without_end_stops_at_the_limit() -> None:
    filler = "<a>" + "b" * 1000 + "</a>"
    content = article_set(article("<PMID>1</PMID>", filler * 1000))
    (failure,) = read(content, ReadOptions(max_record_bytes=100_000))
    assert isinstance(failure, Failure)
    assert "limit of 100,000 bytes" in failure.reason


def test_depth_is_limited() -> None:
    (failure,) = read(article_set(article("<PMID>1</PMID>", "<i>" * 3000 + "</i>" * 3000)))
    assert isinstance(failure, Failure)


class GeneratedSet:
    """A set of many citations, made as it is read."""

    def __init__(self, count: int) -> None:
        words = "The compound was well tolerated. " * 40
        body = f"<Abstract><AbstractText>{words}</AbstractText></Abstract>"
        citations = itertools.repeat(article("<PMID>1</PMID>", body).encode(), count)
        self._parts = itertools.chain([b"<PubmedArticleSet>"], citations, [b"</PubmedArticleSet>"])
        self._rest = b""

    def read1(self, size: int, /) -> bytes:
        self._rest = self._rest or next(self._parts, b"")
        part, self._rest = self._rest[:size], self._rest[size:]
        return part

    def close(self) -> None: ...


def resident_kilobytes() -> int:
    return int(re.findall(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())[0])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no resident size here")
def test_memory_does_not_grow_with_the_file() -> None:
    records = read_pubmed(ContentStream(GeneratedSet(20_000)), "in.xml", ReadOptions())
    for _ in itertools.islice(records, 1000):
        pass
    before = resident_kilobytes()
    assert sum(1 for _ in records) == 19_000
    assert resident_kilobytes() - before < 8_000


@needs_shared
@pytest.mark.parametrize(
    ("name", "citations", "abstracts"),
    [
        ("pubmedsample18n0001.xml.gz", 177, 109 + OTHER[0]),
        ("pubmed22n1313.xml.gz", 4, 3),
        ("efetch-export.xml", 106, 106),
        ("documentSet.xml.gz", 10, 9 + OTHER[1]),
    ],
)
def test_real_files_are_read_whole(name: str, citations: int, abstracts: int) -> None:
    records = list(read_documents([str(SHARED / name)]))
    documents = [record for record in records if isinstance(record, Document)]
    assert len(documents) == len(records) == citations
    assert sum("\n\n" in document.text for document in documents) == abstracts


@needs_shared
def test_deletions_of_a_real_update_file_are_read_whole() -> None:
    path = SHARED / "pubmed22n1313.xml.gz"
    found = list(events(gzip.decompress(path.read_bytes())))
    pmids = [item.id for item in found if isinstance(item, Deletion)]
    assert len(pmids) == gzip.decompress(path.read_bytes()).split(b"<DeleteCitation>")[1].count(
        b"<PMID "
    )
    assert all(pmid.isdecimal() for pmid in pmids)


@needs_shared
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_a_real_file_cut_short(tmp_path: Path, kept: float) -> None:
    path = SHARED / "pubmedsample18n0001.xml.gz"
    stored = path.read_bytes()
    cut = tmp_path / "cut.xml.gz"
    cut.write_bytes(stored[: int(kept * len(stored))])
    *documents, failure = read_documents([str(cut)])
    whole = list(read_documents([str(path)]))
    assert documents == whole[: len(documents)]
    assert isinstance(failure, Failure)
    assert "truncated" in failure.reason
    assert len(documents) >= kept * len(whole) - 20
