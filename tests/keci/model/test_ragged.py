import torch
from hypothesis import given
from hypothesis import strategies as st

from keci.model.ragged import PaddedAxis, row_of_each, segment_mean, segment_softmax

ROWS = st.lists(st.integers(0, 4), max_size=12)


@given(st.lists(st.integers(0, 4), max_size=6))
def test_each_element_knows_its_row(counts: list[int]) -> None:
    splits = torch.tensor([0, *counts]).cumsum(0)
    expected = [row for row, count in enumerate(counts) for _ in range(count)]
    assert row_of_each(splits, sum(counts)).tolist() == expected


@given(ROWS, st.floats(-100, 100))
def test_segment_softmax_is_a_softmax_per_row(rows: list[int], scale: float) -> None:
    torch.manual_seed(len(rows))
    scores, index = torch.randn(len(rows)) * scale, torch.tensor(rows, dtype=torch.int64)
    weights = segment_softmax(scores, index, 5)
    for row in set(rows):
        expected = scores[index == row].softmax(0)
        torch.testing.assert_close(weights[index == row], expected)


@given(ROWS)
def test_segment_mean_is_zero_in_empty_rows(rows: list[int]) -> None:
    torch.manual_seed(len(rows))
    values, index = torch.randn(len(rows), 2), torch.tensor(rows, dtype=torch.int64)
    means = segment_mean(values, index, 5)
    for row in range(5):
        chosen = values[index == row]
        expected = chosen.mean(0) if len(chosen) else torch.zeros(2)
        torch.testing.assert_close(means[row], expected)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6))
def test_a_padded_axis_has_each_row_from_its_first_column(counts: list[int]) -> None:
    axis = PaddedAxis(torch.tensor([0, *counts]).cumsum(0), sum(counts))
    values = torch.randn(sum(counts), 2)
    table = axis.pad(values)
    assert table.shape == (len(counts), max(1, *counts, 1), 2)
    for row, (block, padding, count) in enumerate(zip(table, axis.padding, counts, strict=True)):
        assert torch.equal(block[:count], values[axis.rows == row])
        assert not block[count:].any()
        assert (~padding).sum() == max(count, 1)
    assert torch.equal(axis.unpad(table), values)
    assert axis.counts.tolist() == counts
