import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.documents import Document, Failure
from keci.formats.medline import read_medline
from keci.formats.stream import ContentStream, ReadOptions

CITATION = """PMID- 10
OWN - NLM
TI  - Rash after amoxicillin in a child treated for
      otitis media.
AB  - BACKGROUND: A rash appeared. The
      rash resolved.
FAU - Doe, Jane
MH  - Amoxicillin/*adverse effects
"""
TEXT = (
    "Rash after amoxicillin in a child treated for otitis media.\n\n"
    "BACKGROUND: A rash appeared. The rash resolved."
)


def read(content: str | bytes, **limits: Any) -> list[Document | Failure]:
    raw = content.encode() if isinstance(content, str) else content
    stream = ContentStream(io.BufferedReader(io.BytesIO(raw)))
    options = ReadOptions(metadata=False, **limits)
    return list(read_medline(stream, "in.nbib", options))


def test_journal_year_and_doi_are_kept() -> None:
    content = (
        "PMID- 1\nTI  - T.\nJT  - A journal of\n      rashes\nTA  - J Rash\nDP  - 1998 Jan-Feb\n"
        "LID - 5 [pii]\nAID - 10.1/x [doi]\n"
    )
    stream = ContentStream(io.BufferedReader(io.BytesIO(content.encode())))
    told = {"title": "T.", "journal": "A journal of rashes", "year": 1998, "doi": "10.1/x"}
    assert list(read_medline(stream, "in.nbib", ReadOptions())) == [Document("1", "T.", told)]


@pytest.mark.parametrize("between", ["\n", "\n\n", "", "\r\n"])
def test_citations_are_read_with_their_long_lines(between: str) -> None:
    content = between.join([CITATION, CITATION.replace("PMID- 10", "PMID- 11")])
    assert read(f"\n{content}") == [Document("10", TEXT), Document("11", TEXT)]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ("TI  - [Not Available].\nTT  - Ein Titel.\n", "Ein Titel."),
        ("TI  - [Not Available].\n", ""),
        ("BTI - A book\n", "A book"),
        ("TI  - T.\nOAB - Other.\nOABL- eng\n", "T.\n\nOther."),
        ("TI  - T.\nOAB - Autre.\nOABL- fre\n", "T."),
        ("TI  - T.\nAB  - A.\nOAB - Other.\n", "T.\n\nA."),
        ("TI  - T.\nAB  - No abstract available.\nOAB - Other.\n", "T.\n\nOther."),
    ],
)
def test_other_titles_and_abstracts_stand_in(fields: str, text: str) -> None:
    assert read(f"PMID- 1\n{fields}") == [Document("1", text)]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"TI  - No number\n", "no PMID"),
        (b"PMID- 1\nTI  - A\nprose without a tag\n", "expected a field"),
        (b"PMID- 1\nTI  - \xff\n", "UTF-8"),
    ],
)
def test_a_broken_citation_fails_alone(content: bytes, problem: str) -> None:
    failure, document = read(content + b"\n" + CITATION.encode())
    assert isinstance(failure, Failure)
    assert problem in failure.reason
    assert document == Document("10", TEXT)


def test_a_citation_beyond_the_limit_is_a_failure() -> None:
    (failure,) = read(CITATION + "AD  - x\n" * 100, max_record_bytes=200)
    assert isinstance(failure, Failure)


@given(st.lists(st.text("abc é", min_size=1).filter(str.strip), min_size=1, max_size=5))
def test_every_citation_is_a_record(titles: list[str]) -> None:
    content = "\n".join(f"PMID- {number}\nTI  - {title}\n" for number, title in enumerate(titles))
    expected = [Document(str(n), " ".join(title.split())) for n, title in enumerate(titles)]
    assert read(content) == expected
