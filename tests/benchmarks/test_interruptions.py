import math
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchmarks import interruptions
from benchmarks.interruptions import Trial

RAY = ["in.jsonl", "--engine", "ray"]


def _written(arguments: Sequence[str], content: bytes) -> None:
    output = Path(arguments[list(arguments).index("--output-dir") + 1])
    output.mkdir(exist_ok=True)
    (output / "part-00001.jsonl").write_bytes(content)


def _trial(folder: Path, arguments: Sequence[str]) -> Trial:
    return Trial(folder, arguments, seed=1, longest=math.inf)


def test_runs_of_a_cluster_are_compared_with_one_of_the_local_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines = []

    def run_for(arguments: Sequence[str], *_: object) -> int:
        engines.append([word for word in arguments if word in ("ray", "local")][-1])
        _written(arguments, engines[-1].encode())
        return 0

    monkeypatch.setattr(interruptions, "run_for", run_for)
    trial = _trial(tmp_path, RAY)
    trial.run(0, 0)
    assert engines == ["local", "ray"]
    assert (trial.tally.finished_runs, trial.tally.identical_runs) == (1, 0)


def test_a_process_is_killed_no_sooner_than_it_has_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def commit_late(_: Sequence[str]) -> None:
        time.sleep(0.2)
        (tmp_path / "begun").touch()
        time.sleep(60)

    monkeypatch.setattr(interruptions, "extract", commit_late)
    assert interruptions.run_for([], 0, (tmp_path / "begun").exists) == -signal.SIGKILL
    assert (tmp_path / "begun").exists()


def test_a_trial_goes_on_until_drivers_and_actors_were_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = b'{"state": 1}\n'

    def run_for(
        arguments: Sequence[str],
        seconds: float | None,
        has_begun: Callable[[], bool] = lambda: True,
        actor_moments: Sequence[float] = (),
        killed: Callable[[], object] = lambda: None,
    ) -> int:
        _written(arguments, b"same")
        output = Path(arguments[list(arguments).index("--output-dir") + 1])
        for _ in actor_moments:
            killed()
        if seconds is None:
            (output / "journal").unlink(missing_ok=True)
            return 0
        assert not has_begun()
        with (output / "journal").open("ab") as file:
            file.write(journal)
        assert has_begun()
        return -signal.SIGKILL

    monkeypatch.setattr(interruptions, "run_for", run_for)
    trial = _trial(tmp_path, RAY)
    trial.run(3, 5)
    tally = trial.tally
    assert tally.struck == tally.kills == 3
    assert tally.actor_kills >= 5
    assert tally.finished_runs == tally.identical_runs >= 1
    assert _trial(tmp_path, RAY).tally == tally
    with pytest.raises(SystemExit, match="has a trial of"):
        _trial(tmp_path, ["other.jsonl"])
