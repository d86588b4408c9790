"""Several XML documents in one file, and answers that are none."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.documents import Document, Failure
from keci.formats.detect import FORMATS_BY_ROOT
from keci.formats.pubmed import read_pubmed
from keci.formats.read import read_documents, read_stream
from keci.formats.stream import ContentStream, Deletion, ReadOptions

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'


def answer(pmid: int, declaration: str = DECLARATION) -> str:
    return (
        f"{declaration}\n<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>{pmid}</PMID>"
        f"<Article><ArticleTitle>T{pmid}</ArticleTitle></Article></MedlineCitation></PubmedArticle>"
        "</PubmedArticleSet>"
    )


def read(content: str, size: int = 1 << 16) -> list[Document | Failure | Deletion]:
    raw = content.encode()
    stream = ContentStream(io.BufferedReader(io.BytesIO(raw)))
    pieces = iter([raw[at : at + size] for at in range(0, len(raw), size)])
    stream.read = lambda: next(pieces, b"")  # type: ignore[method-assign]
    return list(read_pubmed(stream, "in", ReadOptions()))


def titles(numbers: list[int]) -> list[Document]:
    return [Document(str(number), f"T{number}") for number in numbers]


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    st.sampled_from(["", "\n", "\r\n\n", "\ufeff", "<!-- a -->\n", "\n<?xml-stylesheet x?>\n"]),
    st.sampled_from(["", DECLARATION, '<!DOCTYPE PubmedArticleSet SYSTEM "x.dtd">']),
    st.integers(1, 50),
)
def test_all_documents_of_a_file_are_read(
    numbers: list[int], between: str, declaration: str, size: int
) -> None:
    content = between.join(answer(number, declaration) for number in numbers)
    assert read(content, size) == titles(numbers)


def test_white_space_may_come_before_the_declaration() -> None:
    assert read(f"\n \n{answer(5)}\n\n") == titles([5])


@given(st.integers(len(DECLARATION), len(answer(2)) - 10), st.integers(1, 60))
def test_a_damaged_document_does_not_hide_the_next(cut: int, size: int) -> None:
    contents = read(answer(1) + answer(2)[:cut] + "\n" + answer(3), size)
    (failure,) = (item for item in contents if isinstance(item, Failure))
    contents.remove(failure)
    assert contents in (titles([1, 3]), titles([1, 2, 3]))
    assert failure.position == len(contents)


def test_a_declaration_inside_a_text_begins_no_document() -> None:
    quoted = answer(1).replace("T1", "<![CDATA[<?xml version='1.0'?><a>]]>")
    assert read(quoted) == [Document("1", "<?xml version='1.0'?><a>")]


OAI = (
    '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>{0}</ListRecords></OAI-PMH>'
)
RECORD = "<record><header><identifier>i</identifier></header><metadata>{0}</metadata></record>"
ARTICLE = (
    '<article xmlns="https://jats.nlm.nih.gov/ns/archiving/1.0/"><front><article-meta><article-id '
    'pub-id-type="pmc">4</article-id></article-meta></front><body><p>Rash.</p></body></article>'
)


def read_files(folder: Path, **contents: str) -> list[Document | Failure]:
    for name, content in contents.items():
        (folder / f"{name}.xml").write_text(content)
    return list(read_documents([str(folder)]))


def test_answers_of_oai_are_read_for_what_they_hold(tmp_path: Path) -> None:
    citation = answer(3, "").strip().removeprefix("<PubmedArticleSet>")
    citation = citation.removesuffix("</PubmedArticleSet>")
    contents = {
        "a": OAI.format(RECORD.format(ARTICLE) * 2),
        "b": OAI.format(RECORD.format(citation)),
    }
    assert read_files(tmp_path, **contents) == [
        *[Document("PMC4", "Rash.")] * 2, Document("3", "T3")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<eFetchResult><ERROR>Empty id list</ERROR></eFetchResult>", "Empty id list"),
        ("<Reply Id='4' error='not there'/>", "not there"),
        ("<OAI-PMH><error code='idDoesNotExist'>No such id</error></OAI-PMH>", "No such id"),
        ("<html><body>502 Bad Gateway</body></html>", "<html>"),
        ("<eSearchResult><ERROR>Bad query</ERROR></eSearchResult>", "Bad query"),
        ('{"error": "API rate limit exceeded", "count": "11"}', "rate limit exceeded"),
        (OAI.format(RECORD.format("\n <x:dc>x</x:dc>")), "OAI-PMH records in <dc>"),
        (OAI.format("<record><header status='deleted'/></record>"), ""),
    ],
)
def test_an_answer_without_records_fails_beside_others(
    tmp_path: Path, content: str, words: str
) -> None:
    contents = list(read_files(tmp_path, a=content, b=answer(3)))
    if not words:
        assert contents == titles([3])
        return
    failure, document = contents
    assert isinstance(failure, Failure)
    assert words in failure.reason
    assert document == titles([3])[0]


FULL_TEXT = (
    "<article><front><article-meta>{0}<title-group><article-title>Rash.</article-title>"
    "</title-group></article-meta></front></article>"
)
COLLECTION = (
    "<collection><source/><document>{0}<passage><offset>0</offset><text>Rash.</text></passage>"
    "</document></collection>"
)
KINDS = {
    "pubmed": (answer(1, ""), Document("1", "T1")),
    "jats": (
        FULL_TEXT.format('<article-id pub-id-type="pmc">PMC4</article-id>'),
        Document("PMC4", "Rash."),
    ),
    "nameless jats": (FULL_TEXT.format(""), Document("in.xml:{0}", "Rash.")),
    "bioc": (COLLECTION.format("<id>7</id>"), Document("7", "Rash.")),
    "nameless bioc": (COLLECTION.format(""), Document("in.xml:{0}", "Rash.")),
    "error of pubmed": (
        "<eFetchResult><ERROR>Empty</ERROR></eFetchResult>", "the input is an error: Empty",
    ),
    "error of jats": ("<Reply error='gone'/>", "the input is an error: gone"),
    "page": ("<html>502</html>", "got the root element <html>, which says: 502"),
}  # fmt: skip


class Dribble(ContentStream):
    """A stream that gives a few bytes at a time."""

    size = 1

    def read(self) -> bytes:
        chunk = super().read()
        self._unread = chunk[self.size :]
        return chunk[: self.size]


@given(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=6), st.integers(1, 60))
def test_documents_of_several_formats_are_each_read_in_their_own(
    kinds: list[str], size: int
) -> None:
    kinds = ["pubmed", *kinds]
    stream = Dribble(io.BytesIO("\n".join(KINDS[kind][0] for kind in kinds).encode()))
    stream.size = size
    stream.relay.formats = FORMATS_BY_ROOT
    contents = list(read_stream(stream, "in.xml", "pubmed", ReadOptions()))
    assert len(contents) == len(kinds)
    for position, (kind, content) in enumerate(zip(kinds, contents, strict=True), start=1):
        expected = KINDS[kind][1]
        if isinstance(expected, Document):
            named = replace(expected, id=expected.id.format(position))
            assert content == named
        else:
            assert isinstance(content, Failure)
            assert content.position == position
            assert content.reason.endswith(expected)


def test_a_format_that_was_named_is_kept_to(tmp_path: Path) -> None:
    path = tmp_path / "in.xml"
    path.write_text("\n".join(KINDS[kind][0] for kind in ("pubmed", "jats", "pubmed")))
    first, failure, last = read_documents([str(path)], input_format="pubmed")
    assert [first, last] == titles([1, 1])
    assert isinstance(failure, Failure)
    assert "expected <MedlineCitation>, got the root element <article>" in failure.reason


def test_names_are_counted_across_formats() -> None:
    def odd(number: int) -> str:
        names = "".join(f"<n{number}x{name}/>" for name in range(30))
        return FULL_TEXT.format(names) + answer(number, "")

    stream = ContentStream(io.BytesIO("".join(map(odd, range(20))).encode()))
    stream.relay.formats = FORMATS_BY_ROOT
    *_, failure = read_stream(stream, "in.xml", "jats", ReadOptions(max_xml_names=300))
    assert isinstance(failure, Failure)
    assert "more names of elements and attributes than the limit of 300" in failure.reason


@pytest.mark.parametrize("doctype", ["", '<!DOCTYPE PubmedArticleSet SYSTEM "x.dtd">\n'])
def test_entities_of_html_are_read_with_and_without_a_document_type(doctype: str) -> None:
    content = f"{DECLARATION}{doctype}" + answer(1, "").replace("T1", "T&alpha;&nbsp;1 &lt;")
    assert read(content) == [Document("1", "Tα\xa01 <")]


def test_damage_is_told_where_it_is_in_the_file() -> None:
    line = answer(1, "").strip().replace("T1", "T<1")
    (failure,) = read(f"{DECLARATION}\n{line}")
    assert isinstance(failure, Failure)
    assert failure.reason.endswith(f"line 2, column {line.index('<1') + 2}")
