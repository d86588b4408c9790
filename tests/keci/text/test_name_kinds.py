import numpy as np

from keci.text.name_kinds import ENDS, HOLDS, INSIDE, kind_count, name_kinds
from keci.text.spans import CandidateSpans

TYPES = 4
IS = ENDS + TYPES + 1


def kinds(
    spans: list[tuple[int, int]], names: list[tuple[int, int]], types: list[int]
) -> list[int]:
    starts, ends = (np.array(side, dtype=np.int32) for side in zip(*spans, strict=True))
    candidates = CandidateSpans(starts, ends, starts, ends)
    return name_kinds(candidates, names, np.array(types), types=TYPES).tolist()


def test_a_text_without_names_has_no_kinds() -> None:
    assert kinds([(0, 4), (2, 3)], [], []) == [0, 0]


def test_a_span_is_ends_in_holds_or_lies_in_a_name() -> None:
    spans = [(5, 9), (0, 9), (0, 12), (6, 8), (20, 22), (5, 6)]
    assert kinds(spans, [(5, 9)], [2]) == [IS + 2, ENDS + 2, HOLDS, INSIDE, 0, INSIDE]


def test_the_longest_name_that_ends_a_span_counts() -> None:
    assert kinds([(0, 9)], [(7, 9), (4, 9)], [1, 3]) == [ENDS + 3]


def test_names_without_a_known_type_have_a_kind_of_their_own() -> None:
    assert kinds([(0, 4), (2, 4)], [(2, 4)], [-1]) == [ENDS + TYPES, IS + TYPES]
    assert kind_count(TYPES) == IS + TYPES + 1
