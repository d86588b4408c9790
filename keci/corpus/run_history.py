"""What the journal of a run tells: how far it came, and what it was about to do."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from keci.corpus.journal import Entry, read_journal
from keci.corpus.manifest import FileFacts
from keci.corpus.records import START, Cursor


@dataclass(frozen=True, slots=True)
class RunState:
    """How far a run has come: part ``part`` is open, with ``spool_bytes`` in its spool.

    Of the records withdrawn, ``superseded`` had a later revision; the others were deleted.
    """

    cursor: Cursor = START
    written: int = 0
    failed: int = 0
    withdrawn: int = 0
    superseded: int = 0
    part: int = 1
    part_written: int = 0
    spool_bytes: int = 0
    failures_bytes: int = 0
    withdrawn_bytes: int = 0

    @property
    def records(self) -> int:
        return self.written + self.failed + self.withdrawn

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        return cls(**{**record, "cursor": Cursor(**record["cursor"])})


@dataclass(frozen=True, slots=True)
class RunHistory:
    """``publishing`` were being put in place when the journal of ``size`` ends."""

    run: Mapping[str, Any]
    state: RunState
    parts: tuple[FileFacts, ...]
    publishing: tuple[FileFacts, ...]
    size: int


def run_entry(run: Mapping[str, Any]) -> Entry:
    return {"run": run}


def state_entry(state: RunState) -> Entry:
    return {"state": asdict(state)}


def publishing_entry(facts: FileFacts) -> Entry:
    return {"publishing": asdict(facts)}


def part_entry(facts: FileFacts, state: RunState) -> Entry:
    return {"part": asdict(facts), **state_entry(state)}


def read_history(path: Path) -> RunHistory | None:
    """The run that a journal tells of; None where there is none, or it died before it began."""
    run, state, size = None, RunState(), 0
    parts: list[FileFacts] = []
    publishing: dict[str, FileFacts] = {}
    for entry, end in read_journal(path):
        size = end
        run = entry.get("run", run)
        state = RunState.from_record(entry["state"]) if "state" in entry else state
        facts = [FileFacts(**entry["publishing"])] if "publishing" in entry else []
        publishing = {**(publishing if facts else {}), **{item.name: item for item in facts}}
        parts += [FileFacts(**entry["part"])] if "part" in entry else []
    if run is None:
        return None
    return RunHistory(run, state, tuple(parts), tuple(publishing.values()), size)
