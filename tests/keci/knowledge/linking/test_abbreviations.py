import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.knowledge.linking.abbreviations import find_abbreviations


def pairs(text: str) -> list[tuple[str, str]]:
    return [(text[a:b], text[c:d]) for a, b, c, d in find_abbreviations(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the ubiquitin-interacting motif (UIM) binds", [("ubiquitin-interacting motif", "UIM")]),
        ("a heat shock protein ( HSP ) here", [("heat shock protein", "HSP")]),
        ("gamma-aminobutyric acid (GABA)", [("gamma-aminobutyric acid", "GABA")]),
        ("protein kinase C (PKC) and tau (MAPT)", [("protein kinase C", "PKC")]),
        ("rose oil (RO; 5 mg)", [("rose oil", "RO")]),
        ("the cells (see below)", []),
        ("the cells (n = 5)", []),
        ("nothing (ABC)", []),
        ("(ABC)", []),
        ("first. Apple bread cake (ABC)", [("Apple bread cake", "ABC")]),
        ("unclosed (ABC", []),
    ],
)
def test_short_forms_find_their_long_forms(text: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(text) == expected


@given(st.text(alphabet="abcABC12 ()-;,."))
def test_what_is_found_lies_in_the_text(text: str) -> None:
    for found in find_abbreviations(text):
        assert 0 <= found.long_start < found.long_end < found.short_start < found.short_end
        assert text[found.short_start : found.short_end] in text
        first = text[found.short_start].lower()
        assert text[found.long_start].lower() == first
