import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keci.corpus.reader import CorpusReader
from keci.corpus.records import Cursor, Record, Selection, Shard
from keci.documents import Failure
from keci.errors import DataError
from tests.keci.corpus.corpora import write_corpus

SELECTIONS = st.builds(
    Selection,
    limit=st.none() | st.integers(1, 12),
    sample=st.just(1.0) | st.floats(0.1, 1),
    shard=st.sampled_from([Shard(), Shard(1, 2), Shard(2, 2), Shard(3, 3)]),
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "text.txt").write_text("One text.")
    return [
        str(write_corpus(folder / "a.jsonl", 5, bad=(1,))),
        str(write_corpus(folder / "empty.jsonl", 0)),
        str(folder / "text.txt"),
        str(write_corpus(folder / "b.jsonl", 4, first=5)),
    ]


def read(corpus: list[str], selection: Selection | None = None) -> list[Record]:
    return list(CorpusReader(corpus, selection=selection).read())


def test_records_say_where_they_are_from(corpus: list[str]) -> None:
    records = read(corpus)
    places = [(corpus.index(record.source), record.position) for record in records]
    assert places == [*((0, n) for n in range(1, 6)), (2, 1), *((3, n) for n in range(1, 5))]
    assert [record.ordinal for record in records] == list(range(10))
    bad = records[1].content
    assert isinstance(bad, Failure)
    assert (bad.source, bad.position) == (records[1].source, records[1].position)


@given(selection=SELECTIONS)
def test_reading_can_begin_after_any_record(corpus: list[str], selection: Selection) -> None:
    reader = CorpusReader(corpus, selection=selection)
    records = list(reader.read())
    end = reader.cursor
    assert end.taken >= len(records)
    for place, record in enumerate(records, start=1):
        again = CorpusReader(corpus, selection=selection)
        assert list(again.read(record.after)) == records[place:]
        assert again.cursor == end


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    of=st.integers(1, 4),
    limit=st.none() | st.integers(1, 12),
    sample=st.just(1.0) | st.floats(0.1, 1),
)
def test_shards_divide_what_limit_and_sample_leave(
    corpus: list[str], of: int, limit: int | None, sample: float
) -> None:
    whole = read(corpus, Selection(limit=limit, sample=sample))
    shards = [
        read(corpus, Selection(limit=limit, sample=sample, shard=Shard(number, of)))
        for number in range(1, of + 1)
    ]
    assert [shards[place % of][place // of] for place in range(len(whole))] == whole
    assert sum(map(len, shards)) == len(whole)
    for number, shard in enumerate(shards, start=1):
        assert len(shard) == Shard(number, of).count(len(whole))


def test_only_named_positions_are_read(corpus: list[str]) -> None:
    positions = {corpus[0]: {2, 4}, corpus[3]: {1}}
    records = read(corpus, Selection(positions=positions))
    assert [(record.source, record.position) for record in records] == [
        (corpus[0], 2), (corpus[0], 4), (corpus[3], 1),
    ]  # fmt: skip


def test_bytes_are_counted_to_the_last(corpus: list[str]) -> None:
    reader = CorpusReader(corpus)
    assert reader.total_bytes == sum(os.path.getsize(path) for path in corpus)
    seen = [reader.bytes_read for _ in reader.read()]
    assert seen == sorted(seen)
    assert reader.bytes_read == reader.total_bytes


def test_a_limit_does_not_read_on(tmp_path: Path) -> None:
    paths = [str(write_corpus(tmp_path / name, 3)) for name in ("a.jsonl", "b.jsonl")]
    reader = CorpusReader(paths, selection=Selection(limit=3))
    records = reader.read()
    assert len([next(records), next(records), next(records)]) == 3
    Path(paths[1]).unlink()
    assert list(records) == []
    assert reader.cursor == Cursor(0, 3, 3, 3)


def test_an_input_that_changes_while_it_is_read_ends_the_stream(tmp_path: Path) -> None:
    path = write_corpus(tmp_path / "a.jsonl", 3)
    records = CorpusReader([str(path)]).read()
    next(records)
    with path.open("ab") as file:
        file.write(b"{}")
    with pytest.raises(DataError, match=r"a\.jsonl was changed while it was read"):
        list(records)
