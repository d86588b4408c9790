from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from keci.text.rows import OVERLAP_SHARE, EncoderRow, encoder_rows


def test_a_text_that_fits_is_one_row() -> None:
    assert list(encoder_rows(8, 8)) == [EncoderRow(0, 8, 0, 8)]
    assert list(encoder_rows(0, 8)) == [EncoderRow(0, 0, 0, 0)]


def test_a_longer_text_is_read_in_overlapping_rows() -> None:
    assert list(encoder_rows(9, 8)) == [EncoderRow(0, 8, 0, 4), EncoderRow(1, 9, 4, 9)]
    assert list(encoder_rows(20, 8)) == [
        EncoderRow(0, 8, 0, 7), EncoderRow(6, 14, 7, 13), EncoderRow(12, 20, 13, 20),
    ]  # fmt: skip


@given(count=st.integers(0, 3000), limit=st.integers(1, 600))
def test_each_token_is_kept_once_with_context(count: int, limit: int) -> None:
    rows = list(encoder_rows(count, limit))
    kept = [token for row in rows for token in range(row.own_start, row.own_end)]
    assert kept == list(range(count))
    for row in rows:
        assert 0 <= row.start <= row.own_start <= row.own_end <= row.end <= count
        assert row.end - row.start <= limit
    for one, other in pairwise(rows):
        assert one.end - other.start >= limit // OVERLAP_SHARE
