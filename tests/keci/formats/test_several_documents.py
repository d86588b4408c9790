"""Several XML documents in one file, and answers that are none."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.documents import Document, Failure
from keci.formats.pubmed import read_pubmed
from keci.formats.read import read_documents
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
