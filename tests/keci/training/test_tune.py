import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers")
pytest.importorskip("accelerate")

from keci.errors import ConfigError, UsageError
from keci.training import trainer as trainer_module
from keci.training.crossval import Plan
from keci.training.search_space import SearchSpace, Setting
from keci.training.tune import Trial, Tuning, best_trial, tune_grid
from tests.keci.training.tiny_series import TRAIN, read, results, single_split, tiny_experiment

SPACE = SearchSpace((2, 3), (5e-3,), (1e-2, 1e-3), (1,))


class KilledError(Exception):
    """The process died."""


def tuning(place: Path, name: str, *, seeds: tuple[int, ...] = (1,)) -> Tuning:
    return Tuning(
        tiny_experiment(place),
        TRAIN,
        single_split(place),
        plan=Plan(0, seeds),
        output=place / name,
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tuning")


@pytest.fixture(scope="module")
def whole(place: Path) -> Path:
    tune_grid(tuning(place, "whole"), SPACE, resume=False)
    return place / "whole"


def test_the_default_grid_is_the_papers() -> None:
    grid = SearchSpace().grid()
    assert len(grid) == len(set(grid)) == 2 * 4 * 3 * 2
    assert grid[0] == Setting(16, 2e-5, 1e-4, 50)
    assert grid[-1] == Setting(32, 5e-5, 5e-4, 100)


@pytest.mark.parametrize("values", [(), (2, 2), (0, 1)])
def test_a_space_needs_distinct_values_above_zero(values: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="batch_size needs distinct values above 0"):
        SearchSpace(batch_size=values)


def test_the_best_trial_is_the_first_of_the_highest_score_that_was_not_given_up() -> None:
    setting = SPACE.grid()[0]
    trials = [
        Trial(1, setting, (10.0,), (10.0,)),
        Trial(2, setting, (20.0, 40.0), (5.0, 5.0)),
        Trial(3, setting, (35.0,), (0.0,)),
        Trial(4, setting, (90.0,), (90.0,), pruned=True),
    ]
    assert best_trial(trials).number == 2
    record = trials[1].to_record()
    assert (record["entity_f1"], record["score"]) == (30.0, 35.0)
    assert record["entity_f1_deviation"] == pytest.approx(14.142, abs=1e-3)
    assert trials[0].to_record()["entity_f1_deviation"] is None


def test_each_setting_is_a_run_and_a_line_of_the_table(whole: Path) -> None:
    table = read(whole / "results.json")
    assert table["protocol"] == "validation"
    assert [line["trial"] for line in table["trials"]] == [1, 2, 3, 4]
    for line in table["trials"]:
        run = whole / f"trial-{line['trial']:03d}"
        settings, scores = read(run / "run.json")["train"], read(run / "scores.json")
        for name in ("batch_size", "encoder_learning_rate", "upper_learning_rate", "epochs"):
            assert settings[name] == line[name]
        assert line["entity_f1"] == scores["entity"]["f1"]
        assert line["score"] == scores["entity"]["f1"] + scores["relation"]["f1"]
    with (whole / "results.csv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [float(row["score"]) for row in rows] == [line["score"] for line in table["trials"]]
    assert table["best"] == max(table["trials"], key=lambda line: line["score"])["trial"]


def test_an_interrupted_grid_goes_on_to_the_same_bytes(
    place: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saves: list[Any] = []
    save_state = trainer_module.save_state

    def save_and_die(*arguments: Any) -> None:
        save_state(*arguments)
        saves.append(arguments)
        if len(saves) == 3:
            raise KilledError

    with monkeypatch.context() as patches:
        patches.setattr(trainer_module, "save_state", save_and_die)
        with pytest.raises(KilledError):
            tune_grid(tuning(place, "killed"), SPACE, resume=False)
    assert len(read(place / "killed/results.json")["trials"]) == 2
    tune_grid(tuning(place, "killed"), SPACE, resume=True)
    assert results(place / "killed") == results(whole)


def test_a_tuning_is_resumed_as_it_was_started(place: Path, whole: Path) -> None:
    with pytest.raises(UsageError, match="add --resume"):
        tune_grid(tuning(place, "whole"), SPACE, resume=False)
    with pytest.raises(UsageError, match="was started as"):
        tune_grid(tuning(place, "whole"), replace(SPACE, epochs=(2,)), resume=True)
    with pytest.raises(UsageError, match="was started as"):
        tune_grid(tuning(place, "whole", seeds=(1, 2)), SPACE, resume=True)


def test_every_seed_counts(place: Path) -> None:
    space = SearchSpace((3,), (5e-3,), (1e-2,), (1,))
    (trial,) = tune_grid(tuning(place, "seeds", seeds=(1, 2)), space, resume=False)
    assert len(trial.entity_f1) == 2
    assert (place / "seeds/trial-001/seed-2/best.safetensors").is_file()
    assert read(place / "seeds/trial-001/results.json")["over"] == "seeds"
