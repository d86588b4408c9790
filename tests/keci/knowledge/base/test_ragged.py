from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keci.knowledge.base.ragged import StringTableBuilder, ragged_positions, splits_of


@given(st.lists(st.lists(st.integers()), max_size=6), st.lists(st.integers(0, 5)))
def test_positions_are_those_of_the_rows(values: list[list[int]], rows: list[int]) -> None:
    rows = [row for row in rows if row < len(values)]
    splits = np.cumsum([0, *map(len, values)])
    flat = [item for row in values for item in row]
    positions = ragged_positions(splits, np.array(rows, dtype=np.int64))
    assert [flat[place] for place in positions] == [item for row in rows for item in values[row]]


def test_splits_count_empty_rows() -> None:
    assert splits_of(np.array([0, 0, 2]), 4).tolist() == [0, 2, 2, 3, 3]


@given(st.lists(st.lists(st.text())))
def test_strings_come_back_in_their_groups(groups: list[list[str]]) -> None:
    builder = StringTableBuilder()
    for group in groups:
        for string in group:
            builder.append(string)
        builder.end_group()
    table, splits = builder.table(), builder.splits()
    found = [[table[place] for place in range(start, end)] for start, end in pairwise(splits)]
    assert found == groups
    assert [list(table.group(*bounds)) for bounds in pairwise(splits)] == groups


@given(st.lists(st.text(st.sampled_from("ab:é"), max_size=5)))
def test_heads_are_what_stands_before_a_sign(strings: list[str]) -> None:
    builder = StringTableBuilder()
    for string in strings:
        builder.append(string)
    expected = {string.partition(":")[0] for string in strings if ":" in string} - {""}
    assert builder.table().heads(":") == expected
