"""What the tests of keci-extract share."""

from pathlib import Path

import orjson
import pytest

from keci.corpus import records as corpus_records
from tests.cli.extraction import CHUNK_RECORDS

TEXTS = ("rash after abc.", "", "pain with rash and abc kinase. rash after drug.", "x y z", "abc")


@pytest.fixture
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_records, "RECORDS_AT_ONCE", CHUNK_RECORDS)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """14 records, of which the fifth is no json."""
    lines = [
        orjson.dumps({"id": f"d{number}", "text": TEXTS[number % len(TEXTS)]})
        for number in range(14)
    ]
    lines[4] = b"{bad"
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


@pytest.fixture
def model(tiny_bundle: Path) -> tuple[str, ...]:
    return ("--model", str(tiny_bundle), "--no-kb", "--threads", "1")
