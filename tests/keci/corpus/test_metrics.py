import gzip
import sys
from os import urandom
from pathlib import Path

import orjson
import pytest

from keci.corpus import metrics
from keci.corpus.metrics import Meter, MetricsFile, failure_kind
from keci.corpus.reader import CorpusReader
from keci.corpus.records import Chunk, Result, Selection
from keci.documents import Failure
from tests.keci.corpus.corpora import extract_names, write_corpus


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def reader(tmp_path: Path) -> CorpusReader:
    inputs = [write_corpus(tmp_path / f"{name}.jsonl", 8, bad=(3,)) for name in "abcd"]
    return CorpusReader([str(path) for path in inputs])


def test_counts_rates_and_shares(reader: CorpusReader) -> None:
    clock = Clock()
    meter = Meter(reader, clock)
    shares = []
    for chunk in extract_names(reader.read()):
        clock.now += 2
        meter.add(chunk)
        shares.append(meter.share)
    assert shares == pytest.approx([0, 0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75])
    assert meter.share == 1
    assert meter.rate == pytest.approx(2)
    record = meter.to_record()
    assert (record["records"], record["documents"], record["failed"]) == (32, 24, 8)
    assert record["records_per_second"] == 2
    assert sum(record["failures_by_reason"].values()) == 8
    assert record["input_bytes_read"] == record["input_bytes"]


def test_what_is_read_ahead_is_not_done(reader: CorpusReader) -> None:
    meter = Meter(reader)
    chunks = list(extract_names(reader.read()))
    shares = []
    for chunk in chunks:
        meter.add(chunk)
        shares.append(meter.share)
    assert shares == pytest.approx([0, 0, 0.25, 0.25, 0.5, 0.5, 0.75, 1])


def test_with_a_limit_its_share_counts(tmp_path: Path) -> None:
    path = write_corpus(tmp_path / "long.jsonl", 100)
    limited = CorpusReader([str(path)], selection=Selection(limit=8))
    meter = Meter(limited)
    shares = []
    for chunk in extract_names(limited.read()):
        meter.add(chunk)
        shares.append(meter.share)
    assert shares == pytest.approx([0.5, 1.0])


def test_a_compressed_input_is_not_done_when_it_is_in_a_buffer(tmp_path: Path) -> None:
    small = write_corpus(tmp_path / "a.jsonl", 4)
    packed = tmp_path / "b.jsonl.gz"
    packed.write_bytes(gzip.compress(write_corpus(tmp_path / "b", 40).read_bytes()))
    long = tmp_path / "c.jsonl.gz"
    words = (f'{{"id": "{number}", "text": "{urandom(500).hex()}"}}\n' for number in range(2000))
    long.write_bytes(gzip.compress("".join(words).encode()))
    reader = CorpusReader([str(path) for path in (small, packed, long)])
    meter = Meter(reader)
    for chunk in extract_names(reader.read()):
        meter.add(chunk)
        share = meter.share
        assert share is not None
        if meter.records <= 44:
            assert share <= (small.stat().st_size + packed.stat().st_size) / reader.total_bytes
        else:
            assert share <= (meter.records - 44) / 2000 + 0.03
    assert meter.share == 1


def test_reasons_are_grouped_and_bounded(
    reader: CorpusReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert failure_kind("line 3: text 'a 5' is 1,234 long") == "line ...: text ... is ... long"
    monkeypatch.setattr(metrics, "MOST_REASONS", 2)
    meter = Meter(reader)
    record = next(reader.read())
    for letter in "aabcd":
        meter.add([Result(record, Failure("s", 1, "", f"reason {letter}"))])
    assert meter.reasons == {"reason a": 2, "reason b": 1, "other reasons": 2}


def test_queues_report_their_depths(reader: CorpusReader) -> None:
    meter = Meter(reader)
    waiting = [1, 2]
    meter.queues["linking"] = lambda: len(waiting)
    assert meter.to_record()["queues"] == {"linking": 2}
    waiting.clear()
    assert meter.to_record()["queues"]["linking"] == 0


def test_a_pipe_has_no_share(reader: CorpusReader) -> None:
    reader.total_bytes = None
    meter = Meter(reader)
    first: Chunk = next(iter(extract_names(reader.read())))
    meter.add(first)
    assert meter.share is None


def test_the_file_is_rewritten_now_and_then(reader: CorpusReader, tmp_path: Path) -> None:
    clock = Clock()
    meter = Meter(reader, clock)
    file = MetricsFile(tmp_path / "metrics.json", meter)

    def written() -> float:
        seconds = orjson.loads((tmp_path / "metrics.json").read_bytes())["seconds"]
        assert isinstance(seconds, float)
        return seconds

    assert written() == 0
    for seconds, expected in ((4.0, 0.0), (5.5, 5.5), (7.0, 5.5)):
        clock.now = 100 + seconds
        file.update()
        assert written() == expected
    file.write()
    assert written() == 7


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told on Linux")
def test_memory_is_told(reader: CorpusReader) -> None:
    memory = Meter(reader).to_record()["memory"]
    assert 1 << 20 < memory["rss_bytes"] <= memory["peak_rss_bytes"]
