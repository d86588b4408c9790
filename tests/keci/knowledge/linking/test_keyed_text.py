from hypothesis import given
from hypothesis import strategies as st

from keci.knowledge.linking.keyed_text import KeyedText
from keci.text.words import find_words


def test_keys_stand_end_to_end_with_barriers_between_clauses() -> None:
    keyed = KeyedText.of("IL-2 binds. Cells (T cells) of Crohn's disease")
    assert keyed.joined == "il2binds\ncells\ntcells\nofcrohndisease"


def test_a_word_in_the_plural_ends_twice() -> None:
    keyed = KeyedText.of("T cells")
    assert keyed.key_ends == {1: 0, 6: 1, 5: 1}


def test_neighbours_stop_at_barriers() -> None:
    keyed = KeyedText.of("IL-2, cells")
    assert keyed.words == ["IL", "-", "2", ",", "cells"]
    assert keyed.following(0) == 2
    assert keyed.preceding(2) == 0
    assert keyed.following(2) is None
    assert keyed.preceding(4) is None


@given(st.text())
def test_words_and_places_fit_the_text(text: str) -> None:
    keyed = KeyedText.of(text)
    starts, ends = find_words(text)
    assert keyed.starts == starts.tolist()
    assert [keyed.end(place) for place in range(len(keyed.words))] == ends.tolist()
    for word, start, key, key_start in zip(
        keyed.words, keyed.starts, keyed.keys, keyed.key_starts, strict=True
    ):
        assert text.startswith(word, start)
        assert keyed.joined.startswith(key, key_start) or not key
    for last in set(keyed.key_ends.values()):
        assert keyed.keys[last]
