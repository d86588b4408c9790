import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev

import pytest

pytest.importorskip("transformers")
pytest.importorskip("accelerate")

from keci.config import TrainConfig
from keci.errors import UsageError
from keci.training import trainer as trainer_module
from keci.training.checkpoint import State, save_state
from keci.training.crossval import Member, Plan, Summary, run_series, summarise
from keci.training.folds import open_folds
from keci.training.run_data import Protocol, RunData
from keci.training.trainer import read_metrics
from tests.keci.training.tiny_series import (
    TRAIN,
    gold_file,
    read,
    results,
    single_split,
    tiny_experiment,
)
from tests.tiny import SCHEMA

PLAN = Plan(3, (1,))


class KilledError(Exception):
    """The process died."""


def fold_reader(place: Path, protocol: Protocol = Protocol.CLEAN) -> Callable[[int], RunData]:
    folds = open_folds(gold_file(place), None, SCHEMA, folds=3)
    return lambda fold: folds.read(fold, TRAIN, protocol=protocol)


def series(
    place: Path,
    name: str,
    *,
    plan: Plan = PLAN,
    config: TrainConfig = TRAIN,
    protocol: Protocol = Protocol.CLEAN,
    only_fold: int | None = None,
    resume: bool = False,
) -> Summary:
    """A series in ``place / name``, with the encoder and data of ``place``."""
    return run_series(
        tiny_experiment(place),
        plan,
        config,
        place / name,
        read_data=fold_reader(place, protocol) if plan.folds else lambda _: single_split(place),
        only_fold=only_fold,
        resume=resume,
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("series")


@pytest.fixture(scope="module")
def whole(place: Path) -> Path:
    """Three folds, never interrupted."""
    series(place, "whole")
    return place / "whole"


def test_members_have_folders_by_fold_and_seed() -> None:
    names = {
        Plan(0, (4,)): [""],
        Plan(0, (4, 5)): ["seed-4", "seed-5"],
        Plan(2, (1,)): ["fold-01", "fold-02"],
        Plan(2, (1, 2)): ["fold-01/seed-1", "fold-01/seed-2", "fold-02/seed-1", "fold-02/seed-2"],
    }
    for plan, expected in names.items():
        assert [member.name for member in plan.members()] == expected
    with pytest.raises(UsageError, match="1 folds"):
        Plan(1, (1,))


def test_means_are_over_folds_and_within_a_fold_over_seeds() -> None:
    plan = Plan(2, (1, 2))
    f1 = {"fold-01/seed-1": 10.0, "fold-01/seed-2": 20.0, "fold-02/seed-1": 40.0}
    figures = {"precision": 1.0, "recall": 2.0}
    scores = {
        member: {
            "protocol": "clean",
            "entity": {**figures, "f1": f1[member.name]},
            "relation": {**figures, "f1": 0.0},
        }
        for member in plan.members()
        if member.name in f1
    }
    record = Summary(plan, scores).to_record()
    assert record["entity"]["f1"] == {"mean": 27.5, "deviation": stdev([15.0, 40.0])}
    assert record["missing"] == ["fold-02/seed-2"]
    assert record["over"] == "folds"


def test_a_single_value_has_no_deviation() -> None:
    figures = {"precision": 1.0, "recall": 2.0, "f1": 3.0}
    scores = {
        Member("seed-1", 0, 1): {"protocol": "validation", "entity": figures, "relation": figures}
    }
    record = Summary(Plan(0, (1, 2)), scores).to_record()
    assert record["relation"]["f1"] == {"mean": 3.0, "deviation": None}


def test_a_cross_validation_scores_every_document_once(whole: Path) -> None:
    record = read(whole / "results.json")
    assert record["protocol"] == "clean"
    assert record["meaning"] == Protocol.CLEAN.meaning
    assert record["missing"] == []
    runs = record["runs"]
    assert [run["run"] for run in runs] == ["fold-01", "fold-02", "fold-03"]
    ids = [(whole / run["run"] / "scored.ids").read_text() for run in runs]
    assert sorted("".join(ids).split()) == ["s1", "s2", "s3", "s4", "s5", "s6"]
    scores = [read(whole / run["run"] / "scores.json") for run in runs]
    assert [{"run", "fold", "seed"} ^ run.keys() for run in runs] == [
        score.keys() for score in scores
    ]
    f1 = [run["entity"]["f1"] for run in runs]
    assert record["entity"]["f1"] == {"mean": fmean(f1), "deviation": stdev(f1)}
    assert not list(whole.rglob("last-*.safetensors"))


def test_folds_may_be_trained_one_at_a_time(place: Path, whole: Path) -> None:
    partial = series(place, "single", only_fold=3)
    assert partial.missing == ["fold-01", "fold-02"]
    assert read(place / "single/results.json")["missing"] == ["fold-01", "fold-02"]
    series(place, "single", only_fold=1)
    series(place, "single", resume=True)
    assert results(place / "single") == results(whole)


def test_a_finished_series_is_read_again(place: Path, whole: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("best.safetensors")}
    series(place, "whole", resume=True)
    assert before == {path: path.stat().st_mtime_ns for path in before}
    with pytest.raises(UsageError, match="fold-01 holds a run already"):
        series(place, "whole")


def test_the_papers_protocol_is_named_in_every_output(place: Path) -> None:
    series(place, "paper", protocol=Protocol.PAPER, only_fold=1)
    for name in ("results.json", "fold-01/scores.json"):
        record = read(place / "paper" / name)
        assert (record["protocol"], record["meaning"]) == ("paper", Protocol.PAPER.meaning)
    assert read(place / "paper/fold-01/run.json")["data"]["protocol"] == "paper"
    run = place / "paper/fold-01"
    assert (run / "validation.ids").read_bytes() == (run / "scored.ids").read_bytes()
    scores = read(run / "scores.json")
    best = read_metrics(run)[scores["best_epoch"] - 1]
    assert scores["entity"]["f1"] == best.entity_f1
    assert scores["relation"]["f1"] == best.relation_f1


def test_runs_of_different_series_are_not_mixed(place: Path, whole: Path) -> None:
    other = replace(TRAIN, upper_learning_rate=1e-3)
    series(place, "mixed", config=other, only_fold=1)
    (whole / "fold-02").rename(place / "mixed/fold-02")
    try:
        with pytest.raises(UsageError, match=r"fold-02 .* no runs of one series: train"):
            summarise(place / "mixed", PLAN)
    finally:
        (place / "mixed/fold-02").rename(whole / "fold-02")
    with pytest.raises(UsageError, match="started with other settings: data"):
        series(place, "whole", plan=PLAN, protocol=Protocol.PAPER, resume=True)


def test_seeds_are_compared_on_one_split(place: Path) -> None:
    summary = series(place, "seeds", plan=Plan(0, (1, 2)))
    assert summary.protocol is Protocol.VALIDATION
    ids = {(place / f"seeds/seed-{seed}/scored.ids").read_bytes() for seed in (1, 2)}
    assert len(ids) == 1
    weights = [(place / f"seeds/seed-{seed}/best.safetensors").read_bytes() for seed in (1, 2)]
    assert weights[0] != weights[1]


@pytest.mark.parametrize("saves", [0, 1, 3, 4])
def test_an_interrupted_series_goes_on_to_the_same_bytes(
    place: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, saves: int
) -> None:
    """With two epochs each: in fold 1 (before and after its first), in fold 2, at its end."""
    done: list[State] = []

    def save_and_die(*arguments: object) -> None:
        if len(done) == saves:
            raise KilledError
        done.append(next(item for item in arguments if isinstance(item, State)))
        save_state(*arguments)  # type: ignore[arg-type]  # passed on as they came

    name = f"interrupted-{saves}"
    with monkeypatch.context() as patches:
        patches.setattr(trainer_module, "save_state", save_and_die)
        with pytest.raises(KilledError):
            series(place, name)
    series(place, name, resume=True)
    assert results(place / name) == results(whole)


_KILLED = """
import os, signal, sys
from pathlib import Path
from keci.training import trainer
from tests.keci.training.test_crossval import save_state, series

saves = []

def save_and_die(*arguments):
    save_state(*arguments)
    saves.append(1)
    if len(saves) == 3:
        os.kill(os.getpid(), signal.SIGKILL)

trainer.save_state = save_and_die
series(Path(sys.argv[1]), "killed")
"""


def test_a_killed_process_resumes_to_the_same_bytes(place: Path, whole: Path) -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", _KILLED, str(place)], cwd=root, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (place / "killed/fold-01/scores.json").is_file()
    assert not (place / "killed/fold-02/scores.json").exists()
    series(place, "killed", resume=True)
    assert results(place / "killed") == results(whole)
