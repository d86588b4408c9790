import logging
from pathlib import Path

import pytest

from keci.config import TrainConfig
from keci.data.gold import GoldDataset
from keci.errors import DataError, UsageError
from keci.training.folds import open_folds
from keci.training.run_data import Protocol
from tests.keci.data.annotations import write_jsonl
from tests.keci.training.sentences import annotated_sentences
from tests.tiny import SCHEMA

CONFIG = TrainConfig(validation_share=0.3)
RECORDS = [sentence.to_record() for sentence in annotated_sentences()]


def ids(part: GoldDataset) -> set[str]:
    return {document.id for document in part.documents}


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    return write_jsonl(tmp_path / "gold.jsonl", RECORDS)


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """Three folds as files, numbered 0, 1 and 10."""
    folder = tmp_path / "splits"
    folder.mkdir()
    for place, number in enumerate((0, 1, 10)):
        held_out = RECORDS[2 * place : 2 * place + 2]
        training = [record for record in RECORDS if record not in held_out]
        write_jsonl(folder / f"tiny_split_{number}_train.jsonl", training)
        write_jsonl(folder / f"tiny_split_{number}_test.jsonl", held_out)
    (folder / "tiny_types.json").write_text("{}")
    return folder


def test_every_document_is_held_out_once(gold: Path) -> None:
    folds = open_folds(gold, None, SCHEMA, folds=3)
    held_out = []
    for fold in (1, 2, 3):
        data = folds.read(fold, CONFIG, protocol=Protocol.CLEAN)
        parts = [ids(data.training), ids(data.validation), ids(data.scored)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 6
        held_out += sorted(parts[2])
        assert data.description["fold"] == str(fold)
        assert data.description["protocol"] == "clean"
    assert sorted(held_out) == ["s1", "s2", "s3", "s4", "s5", "s6"]


def test_the_papers_protocol_chooses_on_what_is_scored(gold: Path) -> None:
    folds = open_folds(gold, None, SCHEMA, folds=3)
    data = folds.read(2, CONFIG, protocol=Protocol.PAPER)
    assert data.validation is data.scored
    assert len(data.training.documents) == 4
    assert "epoch chosen on the held-out documents" in data.protocol.meaning


def test_folds_validate_on_different_documents(tmp_path: Path) -> None:
    records = [{"id": f"d{number}", "text": "rash after abc"} for number in range(60)]
    folds = open_folds(write_jsonl(tmp_path / "many.jsonl", records), None, SCHEMA, folds=10)
    config = TrainConfig()
    parts = [folds.read(fold, config, protocol=Protocol.CLEAN) for fold in range(1, 11)]
    never_learned = set.intersection(*(ids(part.validation) | ids(part.scored) for part in parts))
    assert not never_learned


def test_a_folder_of_split_files_is_read_in_the_order_of_their_numbers(official: Path) -> None:
    folds = open_folds(official, None, SCHEMA, folds=3)
    for fold, held_out in ((1, {"s1", "s2"}), (2, {"s3", "s4"}), (3, {"s5", "s6"})):
        data = folds.read(fold, CONFIG, protocol=Protocol.CLEAN)
        assert ids(data.scored) == held_out
        assert not (ids(data.training) | ids(data.validation)) & held_out
    assert data.description["train"] == "tiny_split_10_train.jsonl"
    assert data.description["test"] == "tiny_split_10_test.jsonl"


def test_patterns_name_the_files_too(official: Path) -> None:
    train, test = official / "tiny_*_train.jsonl", official / "tiny_*_test.jsonl"
    by_pattern = open_folds(train, test, SCHEMA, folds=3)
    by_folder = open_folds(official, None, SCHEMA, folds=3)
    for fold in (1, 3):
        assert by_pattern.read(fold, CONFIG, protocol=Protocol.CLEAN) == by_folder.read(
            fold, CONFIG, protocol=Protocol.CLEAN
        )


def test_a_folder_for_each_fold_does_as_well(tmp_path: Path) -> None:
    for number in (1, 2):
        folder = tmp_path / f"fold-{number}"
        folder.mkdir()
        write_jsonl(folder / "train.jsonl", RECORDS[:4])
        write_jsonl(folder / "dev.jsonl", RECORDS[4:])
    places = [tmp_path / "fold-*" / name for name in ("train.jsonl", "dev.jsonl")]
    data = open_folds(*places, SCHEMA, folds=2).read(2, CONFIG, protocol=Protocol.CLEAN)
    assert ids(data.scored) == {"s5", "s6"}


def test_texts_on_both_sides_are_told(official: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_jsonl(official / "tiny_split_0_test.jsonl", [RECORDS[3]])
    with caplog.at_level(logging.WARNING):
        open_folds(official, None, SCHEMA, folds=3).read(1, CONFIG, protocol=Protocol.CLEAN)
    assert "1 of 1 texts to score are in" in caplog.text
    assert "'s4'" in caplog.text


def test_what_makes_no_folds_is_told(gold: Path, official: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"10 folds need .* \[0, 1, 10\]"):
        open_folds(official, None, SCHEMA, folds=10)
    with pytest.raises(UsageError, match="leave --test out"):
        open_folds(gold, gold, SCHEMA, folds=3)
    with pytest.raises(UsageError, match="with --test"):
        open_folds(official / "*_train.jsonl", None, SCHEMA, folds=3)
    with pytest.raises(UsageError, match="a number each, all different"):
        open_folds(official / "*.jsonl", official / "*.jsonl", SCHEMA, folds=3)
    (official / "tiny_split_1_test.jsonl").unlink()
    with pytest.raises(UsageError, match=r"files to score \[0, 10\]"):
        open_folds(official, None, SCHEMA, folds=3)
    with pytest.raises(DataError, match="7 folds need documents of 7 different keys, got 6"):
        open_folds(gold, None, SCHEMA, folds=7).read(1, CONFIG, protocol=Protocol.CLEAN)
