"""The files of a run while it goes on: an open part, the failures, and the journal of commits.

Results are appended to the open part's spool and to the failures; a commit makes them durable, then
writes down how long both are and where in the corpus that is. A death costs what came after the
last commit: the files are cut back to it, and extraction goes on at that place. As commits lie
between chunks, and what a chunk gives depends on its own records alone, the run ends with the bytes
that it would have had without the death.
"""

import io
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

from keci.corpus.durable import Disk, DurableFile, Lock, publish
from keci.corpus.formats import Format
from keci.corpus.journal import Journal
from keci.corpus.layout import PARTIAL, Layout
from keci.corpus.manifest import FileFacts, Manifest, file_facts
from keci.corpus.outputs import jsonl
from keci.corpus.quarantine import Accounts, encode_failure
from keci.corpus.records import Chunk, Cursor, Shard
from keci.corpus.run_history import (
    RunHistory,
    part_entry,
    publishing_entry,
    run_entry,
    state_entry,
)
from keci.documents import Extraction, Failure
from keci.errors import DataError, KeciError

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
        self._failures: DurableFile | None = None
        if not history.size:
            self._journal.append(run_entry(self.run))
        self._committed = self.state
        if self.parts:
            disk.remove(layout.spool(self.state.part - 1))
        self._settle(history.publishing)
        self._close_part_if_full()

    def add(self, chunk: Chunk) -> None:
        """Append a chunk's results; a record that no file can hold counts as failed."""
        lines, failures = _encode(chunk)
        state = self.state
        self._spool = self._spool or self._open(self.layout.spool(state.part), state.spool_bytes)
        self._spool.write(b"".join(lines))
        if failures:
            self._failures = self._failures or self._open(
                self.layout.failures_spool, state.failures_bytes
            )
            self._failures.write(b"".join(failures))
        self.state = replace(
            state,
            cursor=chunk[-1].record.after,
            written=state.written + len(lines),
            failed=state.failed + len(failures),
            part_written=state.part_written + len(lines),
            spool_bytes=state.spool_bytes + sum(map(len, lines)),
            failures_bytes=state.failures_bytes + sum(map(len, failures)),
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
        if self._failures and self.state.failures_bytes != self._committed.failures_bytes:
            self._failures.sync()
        self._journal.append(state_entry(self.state))
        self._committed = self.state

    def finish(self, end: Cursor) -> Manifest:
        """Close the last part and put the manifest in place; ``end`` is where reading ended.

        Raises KeciError where the numbers of records do not add up.
        """
        state = self.state
        shard = Shard.parse(self.run["options"]["shard"])
        Accounts(shard.count(end.taken), state.written, state.failed).check()
        self.commit()
        if state.part_written or (self.layout.file and not self.parts):
            self._close_part()
        manifest = Manifest(self.run, self.parts, self._publish_failures(), end.read, end.taken)
        publish(self._disk, self.layout.manifest, manifest.encode())
        self._disk.remove(self.layout.journal)
        self.close()
        return manifest

    def close(self) -> None:
        """Let go of the files, whatever state they are in."""
        for file in (self._spool, self._failures, self._journal):
            if file:
                file.close()
        self._lock.release()

    def _open(self, path: Path, size: int) -> DurableFile:
        found = path.stat().st_size if path.is_file() else 0
        if found < size:
            raise KeciError(
                f"{path} has {found} bytes where the journal knows of {size}: it was changed; "
                "--overwrite begins the run again"
            )
        return self._disk.open(path, size)

    def _settle(self, publishing: FileFacts | None) -> None:
        """Find out whether a file was put in place before the run died, and take note of it."""
        if publishing is None:
            return
        target = self.layout.folder / publishing.name
        if not target.is_file() or file_facts(target, publishing.records) != publishing:
            return
        if target != self.layout.failures:
            self._note_part(publishing)
        elif not self.layout.failures_spool.exists():
            self._disk.replace(target, self.layout.failures_spool)

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
        ready = self._converted(self.layout.spool(number), target)
        facts = file_facts(ready, self.state.part_written, target.name)
        self._journal.append(publishing_entry(facts))
        self._disk.replace(ready, target)
        self._note_part(facts)

    def _converted(self, spool: Path, target: Path) -> Path:
        if self.layout.format == SPOOL_FORMAT:
            return spool
        ready = target.with_name(f"{target.name}.converted{PARTIAL}")
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

    def _publish_failures(self) -> FileFacts | None:
        target, spool = self.layout.failures, self.layout.failures_spool
        if not self.state.failed:
            self._disk.remove(target)
            self._disk.remove(spool)
            return None
        file = self._failures or self._open(spool, self.state.failures_bytes)
        file.close()
        facts = file_facts(spool, self.state.failed, target.name)
        self._journal.append(publishing_entry(facts))
        self._disk.replace(spool, target)
        return facts


def _encode(chunk: Chunk) -> tuple[list[bytes], list[bytes]]:
    """The lines of a chunk's extractions, and those of its failures."""
    lines: list[bytes] = []
    failures: list[bytes] = []
    for result in chunk:
        outcome = result.outcome
        if isinstance(outcome, Extraction):
            try:
                lines.append(jsonl.encode(outcome))
                continue
            except DataError as error:
                place = result.record
                outcome = Failure(place.source, place.position, outcome.id, str(error))
        failures.append(encode_failure(outcome, result.record.ordinal))
    return lines, failures
