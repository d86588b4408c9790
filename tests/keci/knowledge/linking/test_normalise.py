import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.knowledge.linking.normalise import name_keys, normalise, plural_endings, word_key


@pytest.mark.parametrize(
    "names",
    [
        ("TNF-α", "TNFα", "tnf alpha", "TNF-alpha", "Tnf  ALPHA"),
        ("IL-2", "IL2", "il 2"),
        ("β-catenin", "beta catenin", "Beta-Catenin"),
        ("Sjögren syndrome", "Sjogren's syndrome", "Sjo\u0308gren’s syndrome"),
        ("the heart", "heart"),
        ("NF-κB", "NFkappaB", "nf-kappa B"),
        ("ﬁbrin", "fibrin"),
        ("antibodies", "antibody"),
        ("µ-opioid", "μ-opioid", "mu opioid"),
    ],
)
def test_spellings_of_one_name_share_a_key(names: tuple[str, ...]) -> None:
    assert len({normalise(name) for name in names}) == 1


def test_a_letter_with_a_hyphen_is_no_article() -> None:
    assert name_keys("a-rest") == ("arest",)
    assert name_keys("a rest") == ("rest",)


def test_plural_names_are_indexed_in_the_singular_too() -> None:
    assert name_keys("protein kinases") == ("proteinkinases", "proteinkinase")
    assert name_keys("viruses") == ("viruses", "viruse", "virus")
    assert name_keys("MAPKs") == ("mapks", "mapk")


@pytest.mark.parametrize("name", ["FAS", "HRAS", "lens fluidus", "analysis", "diabetes mellitus"])
def test_singulars_that_end_in_s_stay(name: str) -> None:
    assert len(name_keys(name)) == 1


def test_names_without_letters_have_no_key() -> None:
    assert name_keys("12") == name_keys("+/-") == name_keys("") == ()
    assert normalise("--") == ""


def test_a_capital_a_is_no_determiner() -> None:
    assert normalise("A kinase anchor protein") == "akinaseanchorprotein"


def test_the_s_of_a_possessive_is_dropped() -> None:
    assert normalise("Crohn's disease") == normalise("Crohn disease") == "crohndisease"
    assert normalise("S phase") == "sphase"


@given(st.text())
def test_keys_are_letters_and_digits(text: str) -> None:
    assert all(key.isalnum() for key in name_keys(text))


@given(st.text(alphabet="abcXYZαβ-' 12sS"))
def test_case_does_not_matter_beyond_plurals(text: str) -> None:
    assert normalise(text) == normalise(text.upper()) or "A" in text or "a" in text


@given(st.text(min_size=1))
def test_plural_endings_leave_something(word: str) -> None:
    for ending in plural_endings(word):
        assert len(word_key(word)) > ending
