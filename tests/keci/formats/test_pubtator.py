from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.errors import DataError
from keci.formats.annotated import AnnotatedText, MentionRow, RelationRow
from keci.formats.pubtator import blocks, lines_of, read_block
from tests.keci.formats.strategies import annotated_texts

BIORED_LINES = """\
7|t|Abc and rash.
7|a|Abc family helps.
7\t0\t3\tAbc\tGeneOrGeneProduct\t10
7\t8\t12\trash\tDiseaseOrPhenotypicFeature\t-
7\t14\t24\tAbc family\tGeneOrGeneProduct\t10,20
7\tAssociation\t10\t20\tNovel
7\tBind\t20\t20
"""


def read(content: str) -> list[AnnotatedText]:
    return [read_block(block) for block in blocks(content.encode().split(b"\n"))]


def test_rows_are_mentions_and_relations() -> None:
    (text,) = read(BIORED_LINES)
    assert text == AnnotatedText(
        "7",
        "Abc and rash.\nAbc family helps.",
        (
            MentionRow(0, 3, "Abc", "GeneOrGeneProduct", ("10",)),
            MentionRow(8, 12, "rash", "DiseaseOrPhenotypicFeature"),
            MentionRow(14, 24, "Abc family", "GeneOrGeneProduct", ("10", "20")),
        ),
        (RelationRow("Association", "10", "20"), RelationRow("Bind", "20", "20")),
    )


def test_mentions_may_lack_the_column_of_identifiers() -> None:
    (text,) = read("7|t|Abc\n7\t0\t3\tAbc\tGene\n")
    assert text.mentions == (MentionRow(0, 3, "Abc", "Gene"),)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("8\t0\t3\tAbc\tGene\t5", "document '8' stands in document '7'"),
        ("7\tBind\t5", "expected a mention .* or a relation"),
        ("7\tBind\t5\t6\tNovel\t1", "expected a mention .* or a relation"),
        ("7\tBind\t\t6", "expected a mention .* or a relation"),
        ("7\t0\tx\tAbc\tGene\t5", "expected a mention .* or a relation"),
        ("stray", "line 2: expected ID"),
    ],
)
def test_rows_that_break_the_format_are_refused(row: str, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        read(f"7|t|Abc\n{row}\n")


def test_the_next_title_begins_a_document() -> None:
    assert [text.text for text in read("7|t|Abc\n7|t|Again\n7|a|Aa\n")] == ["Abc", "Again\nAa"]


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(DataError, match="line 1: not valid UTF-8"):
        read_block(next(blocks([b"7|t|\xff"])))


def test_rows_are_kept_only_when_they_are_wanted() -> None:
    (block,) = blocks(BIORED_LINES.encode().split(b"\n"), keep_rows=False)
    assert not block.rows


@given(st.lists(annotated_texts(), max_size=3))
def test_written_lines_are_read_back(texts: list[AnnotatedText]) -> None:
    def lines() -> Iterator[str]:
        for text in texts:
            yield from lines_of(text)

    assert read("\n".join(lines())) == texts
