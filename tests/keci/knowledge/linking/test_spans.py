from keci.knowledge.linking.compounds import Spans


def test_mentions_are_found_from_both_ends_whenever_they_came() -> None:
    spans = Spans()
    spans.put(0, 1, (1,))
    spans.put(0, 0, (2,))
    assert spans.starting_at(0) == [(1, (1,)), (0, (2,))]
    spans.put(1, 1, (3,))
    spans.put(0, 1, (4,))
    assert spans.ending_at(1) == [(0, (4,)), (1, (3,))]
    assert spans.starting_at(5) == []
    assert spans.ending_at(5) == []
