from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers")
pytest.importorskip("accelerate")
pytest.importorskip("optuna")

import optuna

from keci.errors import UsageError
from keci.training import search as search_module
from keci.training import trainer as trainer_module
from keci.training.crossval import Plan
from keci.training.search import STUDY_FILE, Pruning, search
from keci.training.search_space import SearchSpace
from keci.training.tune import Trial, Tuning
from tests.keci.training.tiny_series import TRAIN, read, results, single_split, tiny_experiment

SPACE = SearchSpace((2, 3), (1e-4, 1e-2), (1e-4, 1e-2), (1, 2))


class KilledError(Exception):
    """The process died."""


class WorseThanTheFirst(optuna.pruners.BasePruner):
    """Gives up every trial but the first after its first epoch."""

    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        first = study.get_trials(deepcopy=False)[0]
        return trial.number != first.number and trial.last_step == 1


def run(
    place: Path,
    name: str,
    *,
    trials: int = 3,
    seed: int = 1,
    seeds: tuple[int, ...] = (1,),
    pruning: Pruning = Pruning.NONE,
    resume: bool = False,
) -> list[Trial]:
    tuning = Tuning(
        tiny_experiment(place),
        TRAIN,
        single_split(place),
        plan=Plan(0, seeds),
        output=place / name,
    )
    return search(tuning, SPACE, trials=trials, seed=seed, pruning=pruning, resume=resume)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("search")


@pytest.fixture(scope="module")
def whole(place: Path) -> Path:
    run(place, "whole")
    return place / "whole"


def test_settings_lie_in_the_space_and_are_the_runs_own(whole: Path) -> None:
    for line in read(whole / "results.json")["trials"]:
        assert line["batch_size"] in (2, 3)
        assert line["epochs"] in (1, 2)
        assert 1e-4 <= line["encoder_learning_rate"] <= 1e-2
        settings = read(whole / f"trial-{line['trial']:03d}/run.json")["train"]
        assert settings["upper_learning_rate"] == line["upper_learning_rate"]


def test_a_seed_makes_the_settings(place: Path, whole: Path) -> None:
    before = [line["upper_learning_rate"] for line in read(whole / "results.json")["trials"]]
    assert len(set(before)) == 3
    other = run(place, "other", trials=1, seed=2)
    assert other[0].setting.upper_learning_rate != before[0]


def test_a_search_goes_on_with_more_trials(place: Path, whole: Path) -> None:
    run(place, "longer", trials=2)
    assert len(run(place, "longer", trials=3, resume=True)) == 3
    assert results(place / "longer") == results(whole)
    assert len(run(place, "longer", trials=1, resume=True)) == 3


@pytest.mark.parametrize("died", [2, 3])
def test_an_interrupted_search_goes_on_to_the_same_bytes(
    place: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, died: int
) -> None:
    saves: list[Any] = []
    save_state = trainer_module.save_state

    def save_and_die(*arguments: Any) -> None:
        save_state(*arguments)
        saves.append(arguments)
        if len(saves) == died:
            raise KilledError

    with monkeypatch.context() as patches:
        patches.setattr(trainer_module, "save_state", save_and_die)
        with pytest.raises(KilledError):
            run(place, f"killed-{died}")
    with (place / f"killed-{died}" / STUDY_FILE).open("ab") as journal:
        journal.write(b'{"op_code": 6, "wor')
    run(place, f"killed-{died}", resume=True)
    assert results(place / f"killed-{died}") == results(whole)


def test_a_trial_is_given_up_between_epochs(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(search_module._PRUNERS, Pruning.MEDIAN, WorseThanTheFirst)
    trials = run(place, "pruned", pruning=Pruning.MEDIAN, seeds=(1, 2))
    assert [trial.pruned for trial in trials] == [False, True, True]
    folder = place / "pruned/trial-002"
    assert not (folder / "seed-2").exists()
    assert (folder / "seed-1/best.safetensors").is_file()
    assert not list(folder.rglob("last-*.safetensors"))
    table = read(place / "pruned/results.json")
    assert [line["status"] for line in table["trials"]] == ["finished", "pruned", "pruned"]
    assert table["best"] == 1
    before = results(place / "pruned")
    run(place, "pruned", pruning=Pruning.MEDIAN, seeds=(1, 2), resume=True)
    assert results(place / "pruned") == before


@pytest.mark.parametrize("pruning", [Pruning.MEDIAN, Pruning.HALVING])
def test_every_way_of_pruning_runs(place: Path, pruning: Pruning) -> None:
    trials = run(place, f"way-{pruning.value}", pruning=pruning, trials=2)
    assert not trials[0].pruned


def test_a_search_is_resumed_as_it_was_started(place: Path, whole: Path) -> None:
    with pytest.raises(UsageError, match="add --resume"):
        run(place, "whole")
    with pytest.raises(UsageError, match="was started as"):
        run(place, "whole", pruning=Pruning.MEDIAN, resume=True)
