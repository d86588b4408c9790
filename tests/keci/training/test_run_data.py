from pathlib import Path

import pytest

from keci.config import TrainConfig
from keci.data.gold import GoldDataset
from keci.errors import DataError, UsageError
from keci.training.run_data import DataFiles, Protocol, read_run_data
from tests.keci.data.annotations import write_jsonl
from tests.keci.training.sentences import annotated_sentences
from tests.tiny import SCHEMA

CONFIG = TrainConfig(validation_share=0.5)
RECORDS = [sentence.to_record() for sentence in annotated_sentences()]


def ids(part: GoldDataset) -> list[str]:
    return [document.id for document in part.documents]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    parts = {"train": RECORDS[:4], "validation": RECORDS[4:5], "test": RECORDS[5:]}
    return {name: write_jsonl(tmp_path / f"{name}.jsonl", part) for name, part in parts.items()}


def test_without_test_documents_the_validation_documents_are_scored(
    files: dict[str, Path],
) -> None:
    given = DataFiles(files["train"], files["validation"])
    for chosen, sizes in ((given, (4, 1)), (DataFiles(files["train"]), (2, 2))):
        data = read_run_data(chosen, SCHEMA, CONFIG, protocol=Protocol.CLEAN)
        assert (len(data.training.documents), len(data.validation.documents)) == sizes
        assert data.scored is data.validation
        assert data.protocol is Protocol.VALIDATION
    assert data.description["validation"] == "0.5 of train.jsonl"


def test_test_documents_are_kept_from_the_choice_of_the_epoch(files: dict[str, Path]) -> None:
    split = DataFiles(files["train"], test=files["test"])
    data = read_run_data(split, SCHEMA, CONFIG, protocol=Protocol.CLEAN)
    assert sorted(ids(data.training) + ids(data.validation)) == ["s1", "s2", "s3", "s4"]
    assert ids(data.scored) == ["s6"]
    assert data.description["test"] == "test.jsonl"
    data = read_run_data(DataFiles(**files), SCHEMA, CONFIG, protocol=Protocol.CLEAN)
    assert [ids(data.training), ids(data.validation), ids(data.scored)] == [
        ["s1", "s2", "s3", "s4"], ["s5"], ["s6"],
    ]  # fmt: skip


def test_the_papers_protocol_chooses_on_test_documents_when_asked(files: dict[str, Path]) -> None:
    both = DataFiles(files["train"], test=files["test"])
    data = read_run_data(both, SCHEMA, CONFIG, protocol=Protocol.PAPER)
    assert ids(data.validation) == ids(data.scored) == ["s6"]
    assert data.protocol is Protocol.PAPER
    with pytest.raises(UsageError, match="leave the validation file out"):
        read_run_data(DataFiles(**files), SCHEMA, CONFIG, protocol=Protocol.PAPER)


def test_too_few_documents_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two documents of different keys, got 1"):
        read_run_data(
            DataFiles(write_jsonl(tmp_path / "one.jsonl", RECORDS[:1])),
            SCHEMA,
            CONFIG,
            protocol=Protocol.CLEAN,
        )
