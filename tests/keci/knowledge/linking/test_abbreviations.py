import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.knowledge.linking.abbreviations import explains_rest, find_abbreviations


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
        ("SBMA (spinal and bulbar muscular atrophy) is",
         [("spinal and bulbar muscular atrophy", "SBMA")]),
        ("in IL-6 ( interleukin 6; x)", [("interleukin 6", "IL-6")]),
        ("UIM (ubiquitin-interacting motif) and motif two (MT)",
         [("ubiquitin-interacting motif", "UIM"), ("motif two", "MT")]),
        ("we gave PKC (a dose of protein kinase C) once", []),
        ("Rats (rose and thorn seeds) ate", []),
    ],
)  # fmt: skip
def test_short_forms_find_their_long_forms(text: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(text) == expected


@given(st.text(alphabet="abcABC12 ()-;,."))
def test_what_is_found_lies_in_the_text(text: str) -> None:
    for found in find_abbreviations(text):
        assert 0 <= found.long_start < found.long_end <= len(text)
        assert found.short_end < found.long_start or found.long_end < found.short_start
        assert text[found.short_start : found.short_end] in text
        first = text[found.short_start].lower()
        assert text[found.long_start].lower() == first


@pytest.mark.parametrize(
    ("short", "explains"), [("hRSC", True), ("RSC", False), ("hRXC", False), ("hrsc", True)]
)
def test_the_ending_of_a_long_form_explains_the_rest_of_its_letters(
    short: str, explains: bool
) -> None:
    text = "human rose stem cells"
    assert explains_rest(text, text.index("rose"), len(text), short) is explains
