from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.corpus.records import (
    CHARACTERS_AT_ONCE,
    RECORDS_AT_ONCE,
    Cursor,
    Record,
    Sample,
    Selection,
    Shard,
    chunks,
)
from keci.documents import Document
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
    assert Sample.parse(text).share == pytest.approx(share)


def test_the_least_certain_are_asked_for_by_number() -> None:
    assert Sample.parse("uncertain 20") == Sample(uncertain=20)


@pytest.mark.parametrize(
    "text",
    [
        "uncertain 0",
        "uncertain",
        "uncertain x",
        "certain 3",
        "0",
        "0%",
        "101%",
        "2",
        "-0.1",
        "x",
        "",
        "%",
    ],
)
def test_impossible_shares_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="share"):
        Sample.parse(text)


def records_of(lengths: Iterable[int], first: int = 0) -> Iterator[Record]:
    for ordinal, length in enumerate(lengths, start=first):
        document = Document(str(ordinal), "x" * length)
        yield Record("source", ordinal + 1, document, Cursor(taken=ordinal + 1))


def lengths_of(records: Iterable[Record]) -> list[list[int]]:
    return [[record.characters for record in chunk] for chunk in chunks(records, lambda r: r)]


@given(
    lengths=st.lists(st.integers(0, 30_000), max_size=60).map(lambda some: some * 4),
    first=st.integers(0, 2 * RECORDS_AT_ONCE),
)
def test_chunks_are_bounded_and_lose_nothing(lengths: list[int], first: int) -> None:
    found = lengths_of(records_of(lengths, first))
    assert [length for chunk in found for length in chunk] == lengths
    for chunk in found:
        assert 0 < len(chunk) <= RECORDS_AT_ONCE
        assert sum(chunk[:-1]) < CHARACTERS_AT_ONCE
    for chunk in found[0 if first else 1 : -1]:
        assert len(chunk) == RECORDS_AT_ONCE or sum(chunk) >= CHARACTERS_AT_ONCE


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=300))
def test_chunks_are_the_same_from_the_beginning_of_any_on(lengths: list[int]) -> None:
    whole = lengths_of(records_of(lengths))
    done = 0
    for number, chunk in enumerate(whole):
        assert lengths_of(records_of(lengths[done:], done)) == whole[number:]
        done += len(chunk)


def test_the_first_chunk_is_small() -> None:
    sizes = [len(chunk) for chunk in lengths_of(records_of([0] * 1200))]
    assert sizes == [64, 512, 512, 112]
    characters = [sum(chunk) for chunk in lengths_of(records_of([1000] * 250))]
    assert characters == [13_000, CHARACTERS_AT_ONCE, CHARACTERS_AT_ONCE, 37_000]


def test_chunks_come_before_the_stream_ends() -> None:
    endless = records_of(iter(int, 1))
    assert len(next(chunks(endless, lambda record: record))) == 64
