import io

import pytest

from keci.documents import Document, Failure
from keci.formats.jats import read_jats
from keci.formats.stream import ContentStream, ReadOptions

ARTICLE = """<article xmlns:xlink="http://www.w3.org/1999/xlink">
<front><journal-meta><journal-title>Journal</journal-title></journal-meta><article-meta>
<article-id pub-id-type="pmid">11</article-id><article-id pub-id-type="pmc">22</article-id>
<title-group><article-title>A <italic>title</italic><xref>*</xref></article-title>
<subtitle>and more</subtitle><trans-title-group><trans-title>Ein</trans-title></trans-title-group>
</title-group><contrib-group><contrib>Author</contrib></contrib-group>
<abstract><title>Summary</title><p>We did  it.</p></abstract>
<trans-abstract><p>Wir taten es.</p></trans-abstract></article-meta></front>
<body><p>Opening.</p><sec><label>1.</label><title>Methods</title>
<p>First<sup>2</sup> part: <list><list-item><p>one</p></list-item><list-item><p>two</p></list-item>
</list> and the rest <xref ref-type="fig">Fig. 1</xref>.</p>
<p>At <inline-formula><alternatives><tex-math>\\x</tex-math><mml:math
xmlns:mml="urn:m"><mml:mi>x</mml:mi></mml:math></alternatives></inline-formula> =
1&nbsp;&#x3b1;.</p><fig><label>Figure 1</label><caption><title>A plot.</title><p>Of data.</p>
</caption><graphic/></fig>
<table-wrap><caption><p>A table.</p></caption><table><tr><td>1</td></tr></table>
<table-wrap-foot><p>Note.</p></table-wrap-foot></table-wrap></sec></body>
<back><ack><p>Thanks.</p></ack><ref-list><ref>Ref</ref></ref-list></back>
<floats-group><fig><caption><p>Afloat.</p></caption></fig></floats-group>
<sub-article><body><p>Reply.</p></body></sub-article></article>"""
TEXT = "\n\n".join(
    ["A title*", "and more", "Summary", "We did it.", "Opening.", "Methods",
     "First 2 part: one; two and the rest Fig. 1.", "At x = 1\u00a0α.", "A plot.", "Of data.",
     "A table.", "Note.", "Afloat."]
)  # fmt: skip


def read(content: str, options: ReadOptions | None = None) -> list[Document | Failure]:
    document = f'<!DOCTYPE article PUBLIC "-//NLM//DTD JATS//EN" "x.dtd">{content}'
    stream = ContentStream(io.BufferedReader(io.BytesIO(document.encode())))
    return list(read_jats(stream, "in.xml", options or ReadOptions()))


def test_an_article_is_its_paragraphs() -> None:
    assert read(ARTICLE) == [Document("PMC22", TEXT), Document("PMC22.s1", "Reply.")]


@pytest.mark.parametrize("root", ["pmc-articleset", "articles"])
def test_sets_of_articles_are_read(root: str) -> None:
    assert (
        read(f"<{root}>{ARTICLE}{ARTICLE}</{root}>")
        == [Document("PMC22", TEXT), Document("PMC22.s1", "Reply.")] * 2
    )


def test_a_namespace_changes_nothing() -> None:
    namespaced = ARTICLE.replace("<article ", '<article xmlns="urn:jats" ', 1)
    assert read(namespaced) == [Document("PMC22", TEXT), Document("PMC22.s1", "Reply.")]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ("", "in.xml:1"),
        ('<article-id pub-id-type="doi">10.1/x</article-id>', "10.1/x"),
        ('<article-id pub-id-type="pmcid">PMC5</article-id>', "PMC5"),
        (
            '<article-id pub-id-type="doi">d</article-id>'
            '<article-id pub-id-type="pmid">7</article-id>',
            "7",
        ),
    ],
)
def test_the_best_id_is_taken(ids: str, expected: str) -> None:
    article = f"<article><front><article-meta>{ids}</article-meta></front></article>"
    assert read(article) == [Document(expected, "")]


def test_another_article_is_a_failure() -> None:
    (failure,) = read("<article><para>DocBook</para></article>")
    assert isinstance(failure, Failure)
    assert "not JATS" in failure.reason


def test_every_truncation_is_one_failure() -> None:
    for cut in range(0, len(ARTICLE), 7):
        (failure,) = read(ARTICLE[:cut])
        assert isinstance(failure, Failure)


def test_an_article_beyond_the_limit_is_a_failure() -> None:
    body = f"<body>{'<p>word</p>' * 100_000}</body>"
    (failure,) = read(f"<article>{body}</article>", ReadOptions(max_record_bytes=500_000))
    assert isinstance(failure, Failure)
    assert "limit of 500,000 bytes" in failure.reason
