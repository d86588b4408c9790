from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from keci.cli.train import train
from keci.cli.train.train_options import LearningOptions
from keci.config import SMALL_DATA, TrainConfig
from tests.keci.data.annotations import annotate, write_jsonl

TEXT = "A rash after aspirin."
TASK = 'name = "own"\nentity_types = ["Disease", "Chemical"]\n'


@pytest.fixture
def task(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(TASK)
    return path


def data(folder: Path, kind: str) -> Path:
    records = [annotate(TEXT, [(2, 6, kind), (13, 20, "Chemical"), (7, 12, kind)]).to_record()]
    return write_jsonl(folder / "gold.jsonl", records)


def run(*options: str | Path) -> Result:
    return CliRunner().invoke(train.main, list(map(str, options)))


def test_a_check_tells_and_trains_nothing(task: Path) -> None:
    result = run("--task", task, "--check", data(task.parent, "Disease"))
    assert result.exit_code == 0, result.output
    assert "read as KECI jsonl" in result.output.replace("\n", " ")
    assert "fit to train 'own' on; nothing was trained" in result.output
    assert sorted(path.name for path in task.parent.iterdir()) == ["gold.jsonl", "own.toml"]


@pytest.mark.parametrize("training", [False, True])
def test_types_in_another_case_are_refused(task: Path, training: bool) -> None:
    path = data(task.parent, "disease")
    output = task.parent / "run"
    options = (
        ["--train", path, "--output", output, "--kb", task.parent]
        if training
        else ["--check", path]
    )
    result = run("--task", task, *options)
    assert result.exit_code == 2
    assert "2 of 3 mentions cannot be learned" in result.output
    assert "(the task has 'Disease')" in result.output
    assert ("--accept-losses trains nevertheless" in result.output) is training
    assert not output.exists()


@pytest.mark.parametrize(("missing", "given"), [("--train", "--output"), ("--output", "--train")])
def test_training_needs_data_and_an_output(task: Path, missing: str, given: str) -> None:
    result = run("--task", task, given, task)
    assert (result.exit_code, result.output.strip()) == (2, f"Error: give {missing}")


def test_a_task_is_drafted_on_standard_output(task: Path) -> None:
    path = data(task.parent, "Disease")
    result = CliRunner().invoke(train.main, ["draft-task", str(path)])
    assert result.exit_code == 0
    assert '"Disease",  # 2' in result.stdout
    task.write_text(result.stdout)
    assert run("--task", task, "--check", path).exit_code == 0


def test_small_data_get_settings_of_their_own() -> None:
    assert TrainConfig.fitting(SMALL_DATA) == TrainConfig()
    small = TrainConfig.fitting(SMALL_DATA - 1)
    assert small.batch_size < TrainConfig().batch_size
    assert small.upper_learning_rate > TrainConfig().upper_learning_rate


def test_a_rate_that_was_given_is_taken_whatever_it_is() -> None:
    config = LearningOptions(encoder_lr=0.0, batch_size=2).config(SMALL_DATA)
    assert (config.encoder_learning_rate, config.batch_size) == (0.0, 2)
    assert config.upper_learning_rate == TrainConfig().upper_learning_rate
