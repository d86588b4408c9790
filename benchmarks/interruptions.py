"""Does a run that is killed again and again end with the same bytes?

``python -m benchmarks.interruptions INPUT --folder FOLDER --kills 200 -- --model ade --no-kb``

What follows ``--`` are options of keci-extract. One run goes undisturbed; then processes that
resume are killed (SIGKILL) at seeded random moments, over as many runs as that takes. A kill counts
where it struck a process that had extracted and committed something and was not done. Each process
is forked from one that has the packages loaded, so that its life is spent at work. The same command
goes on where it was stopped itself: FOLDER keeps the tally. POSIX only.

With ``-- --engine ray`` each process drives a cluster of its own, and the undisturbed run is one of
the local engine: its bytes are what the cluster has to write. At half of the moments an actor is
killed, and the driver goes on till the next moment; ``actor_kills`` counts them, and
``--actor-kills`` asks for so many. Moments count from a driver's first commit, since a cluster
takes longer to start than to read a small corpus; ``--longest`` bounds each. ``--kills 0`` times an
undisturbed run of the cluster. What a killed driver leaves behind of its cluster is ended as well.
Linux only.

How much is read is an option of keci-extract: ``-- --engine ray --processes 2 --limit 20000``.
"""

import argparse
import functools
import importlib
import json
import math
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.commands import parse_before_options
from keci.cli.options import errors_told

PRELOADED = ("torch", "onnxruntime", "keci.cli.extract.plan", "keci.runtime.extractor")
CRASHED = 3
LOCAL = ("--engine", "local")
ACTOR = b"ray::ChunkReader"
"""How the command line of an actor's process begins."""


@dataclass(slots=True)
class Tally:
    """What became of the processes: ``struck`` of the killed had committed records by then."""

    arguments: list[str] = field(default_factory=list)
    whole_run_seconds: float = 0.0
    cluster_run_seconds: float = 0.0
    kills: int = 0
    struck: int = 0
    actor_kills: int = 0
    finished_runs: int = 0
    identical_runs: int = 0


class Trial:
    """The runs in a folder, and the tally of them that outlives this process."""

    def __init__(
        self, folder: Path, arguments: Sequence[str], *, seed: int, longest: float
    ) -> None:
        """No kill comes later than ``longest`` seconds after a process began.

        Raises SystemExit where the folder has the tally of another trial.
        """
        self._folder, self._arguments = folder, list(arguments)
        self._seed, self._longest = seed, longest
        self._file = folder / "tally.json"
        folder.mkdir(parents=True, exist_ok=True)
        if self._file.is_file():
            self.tally = Tally(**json.loads(self._file.read_text()))
            if self.tally.arguments != self._arguments:
                sys.exit(f"{folder} has a trial of {self.tally.arguments}")
        else:
            self.tally = Tally(self._arguments)

    def run(self, kills: int, actor_kills: int) -> None:
        """Go on until so many kills have struck; raises SystemExit where a run fails by itself."""
        tally = self.tally
        if not tally.whole_run_seconds:
            local = [*self._arguments, *LOCAL]
            tally.whole_run_seconds = self._run_undisturbed(local, self._folder / "whole")
            self._save()
        is_cluster_timed = self._has_actors and not (kills or actor_kills)
        if is_cluster_timed and not tally.cluster_run_seconds:
            output = self._folder / "cluster"
            tally.cluster_run_seconds = self._run_undisturbed(self._arguments, output)
            self._compare(output)
        actor_kills *= self._has_actors
        while tally.struck < kills or tally.actor_kills < actor_kills or self._current_run.exists():
            self._run_killed(kills)

    @property
    def _current_run(self) -> Path:
        """The folder of the run that is killed and resumed; it exists where that was begun."""
        return self._folder / f"run{self.tally.finished_runs}"

    @property
    def _has_actors(self) -> bool:
        return "ray" in self._arguments

    def _run_undisturbed(self, arguments: Sequence[str], output: Path) -> float:
        """Seconds of the run."""
        shutil.rmtree(output, ignore_errors=True)
        started = time.perf_counter()
        code = run_for([*arguments, "--output-dir", str(output)], None)
        if code > 1:
            sys.exit(f"the undisturbed run ended with exit code {code}")
        return round(time.perf_counter() - started, 1)

    def _run_killed(self, kills: int) -> None:
        tally = self.tally
        output = self._current_run
        arguments = [*self._arguments, "--output-dir", str(output), "--resume"]
        code = -signal.SIGKILL
        while code < 0:
            chance = random.Random(f"{self._seed} {tally.kills} {tally.finished_runs}")
            longest = min(self._longest, tally.cluster_run_seconds or tally.whole_run_seconds)
            before = commits(output)
            actor_moments = self._actor_moments(chance, longest)
            seconds = chance.uniform(0, longest) if tally.struck < kills else None
            has_begun = functools.partial(self._has_begun, output, before)
            code = run_for(arguments, seconds, has_begun, actor_moments, self._actor_killed)
            tally.kills += code < 0
            tally.struck += code < 0 and commits(output) > before
            self._save()
        if code > 1:
            sys.exit(f"a resumed run ended with exit code {code}")
        self._compare(output)

    def _compare(self, output: Path) -> None:
        """Count a finished run; it stays for a look where it has other bytes."""
        tally = self.tally
        is_identical = contents(output) == contents(self._folder / "whole")
        tally.finished_runs += 1
        tally.identical_runs += is_identical
        self._save()
        if is_identical:
            shutil.rmtree(output)

    def _has_begun(self, output: Path, before: int) -> bool:
        """Whether the seconds till a process is killed count already."""
        return not self._has_actors or commits(output) > before

    def _actor_moments(self, chance: random.Random, longest: float) -> list[float]:
        """When actors are killed before the driver is, in seconds after each other."""
        moments: list[float] = []
        while self._has_actors and chance.random() < 1 / 2:
            moments.append(chance.uniform(0, longest))
        return moments

    def _actor_killed(self) -> None:
        self.tally.actor_kills += 1
        self._save()

    def _save(self) -> None:
        partial = self._file.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(self.tally)))
        partial.replace(self._file)


def extract(arguments: Sequence[str]) -> None:
    """keci-extract, as this process's last deed."""
    from keci.cli.extract.command import main

    code = CRASHED
    try:
        main([*arguments, "--quiet"])
    except SystemExit as stop:
        code = int(stop.code or 0)
    finally:
        os._exit(code)


def run_for(
    arguments: Sequence[str],
    seconds: float | None,
    has_begun: Callable[[], bool] = lambda: True,
    actor_moments: Sequence[float] = (),
    killed: Callable[[], object] = lambda: None,
) -> int:
    """Fork a process and kill it so many seconds after it ``has_begun``.

    Returns a negative number then, else its exit code. An actor below it is killed at each of the
    moments, before the ``seconds`` begin to count.
    """
    child = os.fork()
    if not child:
        extract(arguments)
    try:
        code = None
        while code is None and not has_begun():
            code = _exit_code(child, 0.05)
        for moment in actor_moments:
            code = _exit_code(child, moment) if code is None else code
            for actor in actors_of(child)[:1] if code is None else ():
                os.kill(actor, signal.SIGKILL)
                killed()
        code = _exit_code(child, seconds) if code is None else code
    except BaseException:  # whoever ends the trial does not want its child to go on
        kill(child)
        raise
    return kill(child) if code is None else code


def _exit_code(child: int, seconds: float | None) -> int | None:
    """Wait for a process, so many seconds at most: its exit code, None if it runs on."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while deadline is None or time.monotonic() < deadline:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    return None


def kill(child: int) -> int:
    """Kill a process, and what it started and leaves behind."""
    below = descendants(child)
    os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for process in below:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return code


def descendants(process: int) -> list[int]:
    """The processes below a process, none where the system does not tell."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError, IndexError):
            parent = int(status.read_text().split("PPid:")[1].split()[0])
            children.setdefault(parent, []).append(int(status.parent.name))
    found = [process]
    for parent in found:
        found += children.get(parent, ())
    return found[1:]


def actors_of(driver: int) -> list[int]:
    """The processes of the actors that a driver has on this machine."""
    found = []
    for process in descendants(driver):
        with suppress(OSError):
            if Path(f"/proc/{process}/cmdline").read_bytes().startswith(ACTOR):
                found.append(process)
    return found


def commits(output: Path) -> int:
    """How many commits the journal of an unfinished run has; 0 where there is none."""
    journal = output / "journal"
    return journal.read_bytes().count(b'"state"') if journal.is_file() else 0


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", nargs="+", metavar="INPUT")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--actor-kills", type=int, default=0, help="with --engine ray, so many too")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=float, default=math.inf, help="seconds before a kill")
    chosen, options = parse_before_options(parser)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    arguments = [*chosen.inputs, *options]
    trial = Trial(chosen.folder, arguments, seed=chosen.seed, longest=chosen.longest)
    for name in PRELOADED:
        importlib.import_module(name)
    trial.run(chosen.kills, chosen.actor_kills)
    print(json.dumps(asdict(trial.tally)))
    sys.exit(trial.tally.identical_runs != trial.tally.finished_runs)


if __name__ == "__main__":
    with errors_told():
        main()
