import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.corpus.records import (
    CHARACTERS_AT_ONCE,
    RECORDS_AT_ONCE,
    Selection,
    Shard,
    chunks,
    parse_share,
)
from keci.errors import UsageError


def test_a_sample_is_about_its_share_and_always_the_same() -> None:
    chosen = [number for number in range(20_000) if Selection(sample=0.1).samples(number)]
    assert 1800 < len(chosen) < 2200
    assert chosen == [number for number in range(20_000) if Selection(sample=0.1).samples(number)]


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "-1/3", "a/b", "1/2/3", ""])
def test_impossible_shards_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="K/N"):
        Shard.parse(text)


def test_shards_are_read_as_they_are_written() -> None:
    assert Shard.parse("2/3") == Shard(2, 3)
    assert str(Shard(2, 3)) == "2/3"


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), ("0.05", 0.05), ("1", 1), (".5", 0.5)])
def test_shares_are_read(text: str, share: float) -> None:
    assert parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["0", "0%", "101%", "2", "-0.1", "x", "", "%"])
def test_impossible_shares_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="share"):
        parse_share(text)


@given(lengths=st.lists(st.integers(0, 150_000), max_size=200))
def test_chunks_are_bounded_and_lose_nothing(lengths: list[int]) -> None:
    found = list(chunks(lengths, int))
    assert [length for chunk in found for length in chunk] == lengths
    for chunk in found:
        assert 0 < len(chunk) <= RECORDS_AT_ONCE
        assert sum(chunk[:-1]) < CHARACTERS_AT_ONCE
    for chunk in found[:-1]:
        assert len(chunk) == RECORDS_AT_ONCE or sum(chunk) >= CHARACTERS_AT_ONCE


def test_chunks_come_before_the_stream_ends() -> None:
    endless = iter(int, 1)
    assert next(chunks(endless, int)) == [0] * RECORDS_AT_ONCE
