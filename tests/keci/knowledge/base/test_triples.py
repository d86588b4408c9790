import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.errors import KnowledgeBaseError
from keci.knowledge.base.tables import TripleBuilder, Triples, check_sizes

ends = st.integers(0, (1 << 28) - 1)


@given(st.lists(st.tuples(ends, ends, st.integers(0, 255))))
def test_triples_come_back_sorted_once_without_loops(rows: list[tuple[int, int, int]]) -> None:
    builder = TripleBuilder()
    for row in rows + rows:
        builder.add(*row)
    triples = builder.finish()
    found = list(
        zip(triples.heads.tolist(), triples.tails.tolist(), triples.kinds.tolist(), strict=True)
    )
    assert found == sorted({row for row in rows if row[0] != row[1]})


def test_arrays_join_what_was_added_one_by_one() -> None:
    builder = TripleBuilder()
    builder.add(1, 2, 3)
    heads, tails = np.array([1, -1, 4, 5], np.int32), np.array([2, 2, -1, 5], np.int32)
    builder.add_all(Triples(heads, tails, np.array([3, 3, 3, 3], np.uint8)))
    builder.add_all(Triples(heads[:1], tails[:1], np.array([7], np.uint8)))
    triples = builder.finish()
    assert triples.kinds.tolist() == [3, 7]


def test_numbers_that_do_not_fit_are_refused() -> None:
    check_sizes(1 << 20, 256)
    with pytest.raises(KnowledgeBaseError):
        check_sizes(1 << 28, 1)
    with pytest.raises(KnowledgeBaseError):
        check_sizes(1, 257)
