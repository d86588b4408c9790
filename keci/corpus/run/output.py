"""The files of a run while it goes on: an open part, the failures, and the journal of commits.

Results are appended to the open part's spool and to the failures; a commit makes them durable, then
writes down how long both are and where in the corpus that is. A death costs what came after the
last commit: the files are cut back to it, and extraction goes on from there. As commits lie
between chunks, and what a chunk gives depends on its own records alone, the run ends with the bytes
that it would have had without the death.
"""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, cast

import orjson

from keci.corpus.quarantine import Accounts, encode_withdrawal
from keci.corpus.records import SUPERSEDED, Chunk, Cursor, Result, Shard, Withdrawal
from keci.corpus.run.journal import (
    Journal,
    RunHistory,
    part_entry,
    publishing_entry,
    run_entry,
    state_entry,
)
from keci.corpus.run.layout import PARTIAL, Layout
from keci.corpus.run.manifest import FileFacts, Manifest, file_facts
from keci.documents import Extraction, Failure
from keci.errors import DataError, KeciError
from keci.files import Disk, DurableFile, Lock, publish
from keci.formats import jsonl
from keci.formats.failures import encode_failure
from keci.formats.write import Format

SPOOL_FORMAT = Format("jsonl")
_BUFFER = 1 << 20


class RunOutput:
    """Takes chunks, commits them, closes parts as they fill, and ends the run.

    ``state`` is how far it has come. Any OSError leaves files from which the run can be resumed.
    """

    def __init__(self, layout: Layout, history: RunHistory, disk: Disk, lock: Lock) -> None:
        """Begin the run, where the history has no size yet, or go on with it."""
        self.layout, self.run, self._disk, self._lock = layout, history.run, disk, lock
        self.state, self.parts = history.state, list(history.parts)
        self._journal = Journal(layout.journal, disk, history.size)
        self._spool: DurableFile | None = None
        self._failures = SideFile(layout.failures, disk, self.state.failures_bytes)
        self._withdrawn = SideFile(layout.withdrawn, disk, self.state.withdrawn_bytes)
        if not history.size:
            self._journal.append(run_entry(self.run))
        self._committed = self.state
        if self.parts:
            disk.remove(layout.spool(self.state.part - 1))
        self._settle(history.publishing)
        self._close_part_if_full()

    @property
    def identity(self) -> str:
        """A hash that is another where anything about the run is."""
        return hashlib.sha256(orjson.dumps(self.run, option=orjson.OPT_SORT_KEYS)).hexdigest()

    @property
    def uncommitted(self) -> int:
        """Records that a death would have to be extracted again."""
        return self.state.records - self._committed.records

    def add(self, chunk: Chunk) -> None:
        """Append a chunk's results; a record that no file can hold counts as failed."""
        lines = _Lines()
        for result in chunk:
            lines.add(result)
        state = self.state
        self._spool = self._spool or self._open(self.layout.spool(state.part), state.spool_bytes)
        self._spool.write(b"".join(lines.extractions))
        self.state = replace(
            state,
            cursor=chunk[-1].record.after,
            written=state.written + len(lines.extractions),
            failed=state.failed + len(lines.failures),
            withdrawn=state.withdrawn + len(lines.withdrawn),
            superseded=state.superseded + lines.superseded,
            part_written=state.part_written + len(lines.extractions),
            spool_bytes=state.spool_bytes + sum(map(len, lines.extractions)),
            failures_bytes=state.failures_bytes + self._failures.append(lines.failures),
            withdrawn_bytes=state.withdrawn_bytes + self._withdrawn.append(lines.withdrawn),
        )
        if self._is_part_full():
            self.commit()
            self._close_part_if_full()

    def commit(self) -> None:
        """Make everything added so far safe from death."""
        if self.state == self._committed:
            return
        if self._spool:
            self._spool.sync()
        self._failures.sync()
        self._withdrawn.sync()
        self._journal.append(state_entry(self.state))
        self._committed = self.state

    def finish(self, end: Cursor) -> Manifest:
        """Close the last part and put the manifest in place; ``end`` is where reading ended.

        Raises KeciError where the numbers of records do not add up.
        """
        state = self.state
        shard = Shard.parse(self.run["options"]["shard"])
        taken = shard.count(end.taken)
        Accounts(taken, state.written, state.failed, state.withdrawn).check()
        self.commit()
        if state.part_written or (self.layout.file and not self.parts):
            self._close_part()
        withdrawn = self._withdrawn.publish(state.withdrawn, self._note_publishing)
        failures = self._failures.publish(state.failed, self._note_publishing)
        manifest = Manifest(
            self.run, self.parts, failures, withdrawn, state.superseded,
            end.read, end.taken, end.repeated,
        )  # fmt: skip
        publish(self._disk, self.layout.manifest, manifest.encode())
        self._disk.remove(self.layout.census)
        self._disk.remove(self.layout.journal)
        self.close()
        return manifest

    def close(self) -> None:
        """Let go of the files, whatever state they are in."""
        for file in (self._spool, self._failures, self._withdrawn, self._journal):
            if file:
                file.close()
        self._lock.release()

    def _open(self, path: Path, size: int) -> DurableFile:
        return open_spool(self._disk, path, size)

    def _settle(self, publishing: Sequence[FileFacts]) -> None:
        """Find out which files were put in place before the run died, and take note of it."""
        sides = {side.target.name: side for side in (self._failures, self._withdrawn)}
        for facts in publishing:
            target = self.layout.folder / facts.name
            if facts.name in sides:
                sides[facts.name].settle(facts)
            elif target.is_file() and file_facts(target, facts.records) == facts:
                self._note_part(facts)

    def _note_publishing(self, facts: FileFacts) -> None:
        self._journal.append(publishing_entry(facts))

    def _is_part_full(self) -> bool:
        limit = self.layout.part_records
        return limit is not None and self.state.part_written >= limit

    def _close_part_if_full(self) -> None:
        if self._is_part_full():
            self._close_part()

    def _close_part(self) -> None:
        """Put the open part in place in its own format; all of it is committed."""
        number = self.state.part
        spool = self._spool or self._open(self.layout.spool(number), self.state.spool_bytes)
        spool.close()
        self._spool = None
        target = self.layout.part(number)
        ready = self._converted(self.layout.spool(number), self.layout.converted(number))
        facts = file_facts(ready, self.state.part_written, target.name)
        self._note_publishing(facts)
        self._disk.replace(ready, target)
        self._note_part(facts)

    def _converted(self, spool: Path, ready: Path) -> Path:
        if self.layout.format == SPOOL_FORMAT:
            return spool
        file = self._disk.open(ready)
        with spool.open("rb") as lines:
            buffered = io.BufferedWriter(file, _BUFFER)
            self.layout.format.write(jsonl.read(lines), cast(BinaryIO, buffered))
            buffered.flush()
        file.sync()
        buffered.close()
        return ready

    def _note_part(self, facts: FileFacts) -> None:
        spool = self.layout.spool(self.state.part)
        self.parts.append(facts)
        self.state = replace(self.state, part=self.state.part + 1, part_written=0, spool_bytes=0)
        self._journal.append(part_entry(facts, self.state))
        self._committed = self.state
        self._disk.remove(spool)


@dataclass(slots=True)
class _Lines:
    """The lines that results give, each kind in order."""

    extractions: list[bytes] = field(default_factory=list)
    failures: list[bytes] = field(default_factory=list)
    withdrawn: list[bytes] = field(default_factory=list)
    superseded: int = 0

    def add(self, result: Result) -> None:
        outcome, ordinal = result.outcome, result.record.ordinal
        if isinstance(outcome, Withdrawal):
            self.withdrawn.append(encode_withdrawal(outcome, ordinal))
            self.superseded += outcome.reason == SUPERSEDED
            return
        if isinstance(outcome, Extraction):
            try:
                self.extractions.append(jsonl.encode(outcome))
                return
            except DataError as error:
                record = result.record
                outcome = Failure(record.source, record.position, outcome.id, str(error))
        self.failures.append(encode_failure(outcome, ordinal))


class SideFile:
    """Collects lines under a partial name; there is no file where there are no lines."""

    def __init__(self, target: Path, disk: Disk, size: int) -> None:
        """Go on after the first ``size`` bytes."""
        self.target, self._disk, self._size = target, disk, size
        self._spool = target.with_name(f"{target.name}{PARTIAL}")
        self._file: DurableFile | None = None
        self._is_synced = True

    def append(self, lines: Sequence[bytes]) -> int:
        """Write the lines and give their bytes."""
        if not lines:
            return 0
        content = b"".join(lines)
        self._file = self._file or open_spool(self._disk, self._spool, self._size)
        self._is_synced = False
        self._file.write(content)
        self._size += len(content)
        return len(content)

    def sync(self) -> None:
        if self._file and not self._is_synced:
            self._file.sync()
            self._is_synced = True

    def settle(self, facts: FileFacts) -> None:
        """Take back a file that was put in place before the run died."""
        is_there = self.target.is_file() and file_facts(self.target, facts.records) == facts
        if is_there and not self._spool.exists():
            self._disk.replace(self.target, self._spool)

    def publish(self, records: int, note: Callable[[FileFacts], object]) -> FileFacts | None:
        """Put the file in place, noted before; an old one goes where there are no records."""
        if not records:
            self._disk.remove(self.target)
            self._disk.remove(self._spool)
            return None
        file = self._file or open_spool(self._disk, self._spool, self._size)
        file.close()
        facts = file_facts(self._spool, records, self.target.name)
        note(facts)
        self._disk.replace(self._spool, self.target)
        return facts

    def close(self) -> None:
        if self._file:
            self._file.close()


def open_spool(disk: Disk, path: Path, size: int) -> DurableFile:
    """A file to append to behind ``size`` bytes; raises KeciError where it has fewer."""
    found = path.stat().st_size if path.is_file() else 0
    if found < size:
        raise KeciError(
            f"{path} has {found} bytes where the journal knows of {size}: it was changed; "
            "--overwrite begins the run again"
        )
    return disk.open(path, size)
