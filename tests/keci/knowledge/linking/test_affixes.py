import pytest

from keci.knowledge.linking.keyed_text import prefix_length, suffix_length


@pytest.mark.parametrize(
    ("word", "length"),
    [("dSlo", 1), ("mPER1", 1), ("HsCdc6", 2), ("procaspase", 3), ("Slo", 0), ("protein", 0),
     ("dα", 0), ("hello", 0), ("", 0)],
)  # fmt: skip
def test_letters_of_species_and_precursors(word: str, length: int) -> None:
    assert prefix_length(word) == length


@pytest.mark.parametrize(("word", "length"), [("Cdc6p", 1), ("Cdc6", 0), ("cap", 0), ("Pep", 0)])
def test_the_letter_of_yeast_proteins(word: str, length: int) -> None:
    assert suffix_length(word) == length
