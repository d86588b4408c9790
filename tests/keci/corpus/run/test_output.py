"""Runs that die at every operation on the disk, and at random moments, and are resumed."""

import os
import random
import signal
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import pytest

from keci.corpus.run.layout import Layout, file_layout, folder_layout
from keci.errors import UsageError
from keci.files import Disk
from tests.keci.corpus.corpora import contents, run_corpus, write_corpus, write_update
from tests.keci.corpus.faults import FAULTS, Death, FaultyDisk

SETTINGS = [("file", "jsonl"), ("file", "brat"), ("folder", "jsonl"), ("folder", "jsonl.gz")]
RANDOM_RUNS = 10
LONGEST_LIFE = 0.08
"""Seconds; a whole run takes a quarter of that where the machine is free."""
KILLS = 200


@pytest.fixture
def inputs(tmp_path: Path) -> list[Path]:
    return [
        write_corpus(tmp_path / "a.jsonl", 9, bad=(2,)),
        write_corpus(tmp_path / "b.jsonl", 7, first=9),
        write_update(tmp_path / "c.xml", revised="123", deleted=()),
        write_update(tmp_path / "d.xml", revised="34", deleted="2"),
    ]


def layout_in(folder: Path, kind: str, form: str) -> Layout:
    if kind == "folder":
        return folder_layout(folder, form, 6)
    folder.mkdir(exist_ok=True)
    return file_layout(folder / "out", form)


def whole_run(inputs: list[Path], folder: Path, kind: str, form: str) -> Mapping[str, bytes]:
    assert run_corpus(inputs, layout_in(folder, kind, form))
    return contents(folder)


def dies(inputs: list[Path], layout: Layout, disk: FaultyDisk) -> bool:
    """Run, or go on, until the disk fails; False where it never does."""
    try:
        return run_corpus(inputs, layout, resume=True, disk=disk) is None
    except Death:
        return True
    except OSError:
        return True


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("kind", "form"), SETTINGS)
def test_death_at_every_operation_leaves_no_trace(
    inputs: list[Path], tmp_path: Path, kind: str, form: str, fault: str
) -> None:
    expected = whole_run(inputs, tmp_path / "whole", kind, form)
    operation = 0
    while True:
        folder = tmp_path / f"at{operation}"
        layout = layout_in(folder, kind, form)
        if not dies(inputs, layout, FaultyDisk(fault, operation)):
            break
        finished = layout.manifest.is_file() and not layout.journal.is_file()
        assert not finished or contents(folder) == expected, "nothing half-done looks finished"
        assert run_corpus(inputs, layout, resume=True)
        assert contents(folder) == expected, f"after {fault} at operation {operation}"
        operation += 1
    assert operation > 25


@pytest.mark.parametrize(("kind", "form"), SETTINGS)
def test_any_number_of_deaths_leaves_no_trace(
    inputs: list[Path], tmp_path: Path, kind: str, form: str
) -> None:
    expected = whole_run(inputs, tmp_path / "whole", kind, form)
    for seed in range(RANDOM_RUNS):
        chance = random.Random(seed)
        folder = tmp_path / f"seed{seed}"
        layout = layout_in(folder, kind, form)
        deaths = 0
        while dies(inputs, layout, FaultyDisk(chance.choice(FAULTS), chance.randint(1, 40), seed)):
            deaths += 1
            assert deaths < 200
        assert contents(folder) == expected, f"seed {seed}, {deaths} deaths"


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_death_while_an_old_output_is_replaced(
    inputs: list[Path], tmp_path: Path, kind: str
) -> None:
    expected = whole_run(inputs, tmp_path / "whole", kind, "jsonl")
    other = [write_corpus(tmp_path / "old.jsonl", 30, first=50, bad=(51,))]
    for operation in count(0, 3):
        folder = tmp_path / f"at{operation}"
        layout = layout_in(folder, kind, "jsonl")
        run_corpus(other, layout)
        disk = FaultyDisk("kill", operation)
        try:
            assert run_corpus(inputs, layout, overwrite=True, disk=disk)
            break
        except Death:
            assert run_corpus(inputs, layout, overwrite=True)
        assert contents(folder) == expected
    assert operation > 25


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_killed_processes_leave_no_trace(inputs: list[Path], tmp_path: Path) -> None:
    expected = whole_run(inputs, tmp_path / "whole", "folder", "jsonl")
    started = time.perf_counter()
    run_in_child(inputs, layout_in(tmp_path / "timed", "folder", "jsonl"), None)
    longest_life = min(1.5 * (time.perf_counter() - started), LONGEST_LIFE)
    chance = random.Random(1)
    finished = interrupted = 0
    for _ in range(KILLS):
        layout = layout_in(tmp_path / f"killed{finished}", "folder", "jsonl")
        run_in_child(inputs, layout, chance.uniform(0, longest_life))
        interrupted += layout.journal.is_file()
        if layout.manifest.is_file() and not layout.journal.is_file():
            assert contents(layout.folder) == expected
            finished += 1
    layout = layout_in(tmp_path / f"killed{finished}", "folder", "jsonl")
    assert run_corpus(inputs, layout, resume=True)
    assert contents(layout.folder) == expected
    assert interrupted, "some were killed while they wrote"


def run_in_child(inputs: list[Path], layout: Layout, seconds: float | None) -> None:
    """A process of its own, killed after so many seconds, if any."""
    child = os.fork()
    if child == 0:
        try:
            run_corpus(inputs, layout, resume=True, disk=Disk())
        finally:
            os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_a_truncated_spool_is_not_taken_for_whole(inputs: list[Path], tmp_path: Path) -> None:
    layout = layout_in(tmp_path / "cut", "file", "jsonl")
    assert run_corpus(inputs, layout, stop_after=2) is None
    layout.spool(1).write_bytes(layout.spool(1).read_bytes()[:-1])
    with pytest.raises(Exception, match="--overwrite begins the run again"):
        run_corpus(inputs, layout, resume=True)
    assert run_corpus(inputs, layout, overwrite=True)


def test_two_runs_do_not_write_at_once(inputs: list[Path], tmp_path: Path) -> None:
    layout = layout_in(tmp_path / "shared", "file", "jsonl")
    assert run_corpus(inputs, layout, stop_after=1) is None
    with layout.journal.open("ab") as journal:
        fcntl = pytest.importorskip("fcntl")
        fcntl.flock(journal, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="another run is writing"):
            run_corpus(inputs, layout, resume=True)
