from keci.knowledge.linking.compounds import MAX_COMPOUND_WORDS, MAX_NESTED, Spans


def test_mentions_are_found_from_both_ends_whenever_they_came() -> None:
    spans = Spans()
    spans.put(0, 1, (1,))
    spans.put(0, 0, (2,))
    assert spans.starting_at(0) == [(0, (2,)), (1, (1,))]
    spans.put(1, 1, (3,))
    spans.put(0, 1, (4,))
    assert spans.ending_at(1) == [(1, (3,)), (0, (4,))]
    assert spans.starting_at(5) == []
    assert spans.ending_at(5) == []


def test_a_word_begins_and_ends_a_bounded_number_of_compounds() -> None:
    spans = Spans()
    for last in range(100):
        spans.put_compound(0, last, (last,))
    assert [last for last, _ in spans.starting_at(0)] == list(range(MAX_NESTED))
    spans.put_compound(0, 3, (7,))
    assert spans.candidates[0, 3] == (7,)


def test_a_compound_has_a_bounded_number_of_words() -> None:
    spans = Spans()
    spans.put_compound(5, 5 + MAX_COMPOUND_WORDS, (1,))
    assert not spans.candidates
    spans.put_compound(5, 4 + MAX_COMPOUND_WORDS, (1,))
    assert list(spans.candidates) == [(5, 4 + MAX_COMPOUND_WORDS)]
