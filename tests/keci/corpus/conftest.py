from pathlib import Path

import pytest

from keci.corpus.run.layout import folder_layout
from tests.keci.corpus.corpora import run_corpus, write_corpus


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """150 records, two of them no JSON."""
    return write_corpus(tmp_path / "in.jsonl", 150, bad=(1, 100))


@pytest.fixture
def output(corpus: Path, tmp_path: Path) -> Path:
    """A finished run over them, in parts of 60."""
    run_corpus([corpus], folder_layout(tmp_path / "out", "jsonl.gz", 60))
    return tmp_path / "out"
