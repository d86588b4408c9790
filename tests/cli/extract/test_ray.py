"""keci-extract with the actors of a Ray cluster of this machine."""

import os
import signal
from pathlib import Path

import pytest

from keci.corpus.metrics import Meter
from keci.corpus.records import Chunk
from tests.cli.extraction import contents, run

ray = pytest.importorskip("ray")
pytestmark = [pytest.mark.usefixtures("_as_before", "_small_chunks"), pytest.mark.timeout(240)]
RAY = ("--engine", "ray", "--processes", "2")


def _parts(folder: Path) -> dict[str, bytes]:
    found = contents(folder)
    return {name: found[name] for name in found if "part" in name or "failures" in name}


@pytest.fixture
def local(corpus: Path, model: tuple[str, ...], tmp_path: Path) -> dict[str, bytes]:
    assert run(corpus, "--output-dir", tmp_path / "local", *model).exit_code == 1
    return _parts(tmp_path / "local")


def test_a_cluster_changes_no_byte_even_where_actors_die(
    corpus: Path,
    model: tuple[str, ...],
    tmp_path: Path,
    local: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from keci.corpus.workers.ray_actors import RayWorker

    workers: list[RayWorker] = []
    begin, add = RayWorker.begin, Meter.add

    def begin_noted(self: RayWorker, documents: object) -> None:
        workers.append(self)
        begin(self, documents)  # type: ignore[arg-type]  # passed on as it came

    def add_and_kill(self: Meter, chunk: Chunk) -> None:
        add(self, chunk)
        for worker in {id(worker): worker for worker in workers}.values():
            ray.kill(worker._actor, no_restart=False)
        workers.clear()

    monkeypatch.setattr(RayWorker, "begin", begin_noted)
    monkeypatch.setattr(Meter, "add", add_and_kill)
    done = run(corpus, "--output-dir", tmp_path / "ray", *model, *RAY)
    assert done.exit_code == 1, done.stderr
    assert "14 records read, 13 written, 1 failed" in done.stderr
    assert _parts(tmp_path / "ray") == local
    assert not ray.is_initialized()


def test_a_stopped_run_goes_on_with_the_other_engine(
    corpus: Path,
    model: tuple[str, ...],
    tmp_path: Path,
    local: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add = Meter.add

    def add_and_interrupt(self: Meter, chunk: Chunk) -> None:
        add(self, chunk)
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Meter, "add", add_and_interrupt)
        stopped = run(corpus, "--output-dir", tmp_path / "ray", *model, *RAY)
    assert stopped.exit_code == 128 + signal.SIGINT
    assert run(corpus, "--output-dir", tmp_path / "ray", *model, "--resume").exit_code == 1
    assert _parts(tmp_path / "ray") == local


def test_a_model_that_cannot_be_opened_is_told(corpus: Path) -> None:
    done = run(corpus, "--model", "no-such-model", "--no-kb", *RAY)
    assert done.exit_code == 2
    assert "no-such-model" in done.stderr


def test_a_cluster_that_does_not_start_is_told(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def init(**_: object) -> None:
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr(ray, "init", init)
    done = run(corpus, "--no-kb", *RAY)
    assert done.exit_code == 2
    assert "no Ray cluster can be used at local: The current node timed out" in done.stderr


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "address", ["127.0.0.1:1", "ray://127.0.0.1:1", "host.invalid:6379", "127.0.0.1:port"]
)
def test_an_address_at_which_nothing_answers_is_told_within_seconds(
    corpus: Path, model: tuple[str, ...], address: str
) -> None:
    done = run(corpus, *model, *RAY, "--ray-address", address)
    assert done.exit_code == 2
    assert f"no Ray cluster answers at {address}: " in done.stderr


def test_an_address_needs_the_engine(corpus: Path, model: tuple[str, ...]) -> None:
    done = run(corpus, *model, "--ray-address", "auto")
    assert done.exit_code == 2
    assert "--ray-address goes with --engine ray" in done.stderr


def test_actors_have_the_priority_of_the_run() -> None:
    from keci.corpus.workers.ray_actors import connect, disconnect

    connect(None)
    try:
        found = ray.get(ray.remote(lambda: os.nice(0)).remote())
    finally:
        disconnect()
    assert found == os.nice(0)
