from pathlib import Path

import pytest

from keci.corpus.finished import open_finished
from keci.corpus.layout import folder_layout
from keci.corpus.summary import summarise
from tests.keci.corpus.corpora import run_corpus, write_corpus


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "in.jsonl", 150, bad=(1, 100))


@pytest.fixture
def output(corpus: Path, tmp_path: Path) -> Path:
    run_corpus([corpus], folder_layout(tmp_path / "out", "jsonl.gz", 60))
    return tmp_path / "out"


def test_a_summary_counts_everything(output: Path) -> None:
    record = summarise(open_finished(output)).to_record()
    assert record["documents"] == 136
    assert record["failures"]["total"] == 14
    assert record["failures"]["by_reason"]["cannot"] == 12
    assert len(record["failures"]["by_reason"]) == 2
    assert record["entities"]["by_type"] == {"Name": record["entities"]["total"]}
    assert (
        record["entities"]["total"] - record["relations"]["total"] == 136 - record["without_text"]
    )
    assert record["without_text"] == record["without_entities"]
