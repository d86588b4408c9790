from pathlib import Path

import pytest

from keci.corpus.finished import open_finished
from keci.corpus.layout import file_layout, folder_layout
from keci.corpus.records import Selection
from keci.corpus.retries import failures_file, read_positions
from keci.errors import DataError, UsageError
from tests.keci.corpus.corpora import run_corpus, write_corpus


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "in.jsonl", 150, bad=(1, 100))


@pytest.fixture
def output(corpus: Path, tmp_path: Path) -> Path:
    run_corpus([corpus], folder_layout(tmp_path / "out", "jsonl.gz", 60))
    return tmp_path / "out"


def test_failed_records_are_read_again(corpus: Path, output: Path, tmp_path: Path) -> None:
    write_corpus(corpus, 150)
    positions = read_positions(failures_file(output))
    manifest = run_corpus(
        [corpus], file_layout(tmp_path / "again", None), selection=Selection(positions=positions)
    )
    assert manifest
    assert (manifest.taken, manifest.written, manifest.failed) == (14, 2, 12)
    again = [item.id for item in open_finished(tmp_path / "again").extractions()]
    assert again == ["d1", "d100"]


def test_a_damaged_input_is_read_again_to_its_end(tmp_path: Path) -> None:
    import gzip

    plain = write_corpus(tmp_path / "plain", 4000).read_bytes()
    corpus = tmp_path / "in.jsonl.gz"
    stored = gzip.compress(plain)
    corpus.write_bytes(stored[: len(stored) // 2])
    first = run_corpus([corpus], file_layout(tmp_path / "first", None))
    corpus.write_bytes(stored)
    positions = read_positions(failures_file(tmp_path / "first"))
    again = run_corpus(
        [corpus], file_layout(tmp_path / "again", None), selection=Selection(positions=positions)
    )
    assert first
    assert again
    assert first.written + again.written + again.failed == 4000


def test_without_failures_there_is_nothing_to_retry(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "in.jsonl", 2)
    run_corpus([corpus], file_layout(tmp_path / "out", None))
    with pytest.raises(UsageError, match="no record failed"):
        failures_file(tmp_path / "out")
    with pytest.raises(UsageError, match="no failures file"):
        read_positions(tmp_path / "absent.failures.jsonl")
    with pytest.raises(DataError, match="expected a failure"):
        read_positions(corpus)
