"""Runs over a corpus: begun, resumed or found to be finished, and driven chunk by chunk."""

import stat
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from keci.corpus.records import Chunk
from keci.corpus.run.journal import RunHistory, RunState, read_history
from keci.corpus.run.layout import PARTIAL, Layout
from keci.corpus.run.manifest import Manifest, differences, read_manifest
from keci.corpus.run.output import RunOutput
from keci.corpus.run.stored import StoreDisk, begin_in_store, check_stored
from keci.errors import UsageError
from keci.files import Disk, Lock
from keci.stores import Store

COMMIT_SECONDS = 1.0
_DIFFERENCES_SHOWN = 20


def open_run(
    layout: Layout,
    run: Mapping[str, Any],
    *,
    resume: bool = False,
    overwrite: bool = False,
    disk: Disk | None = None,
) -> RunOutput | Manifest:
    """The output of a run that begins or goes on; the manifest of one to resume that has ended.

    ``run`` describes what is to be done. Raises UsageError where the run to resume is another, and
    where results would be overwritten without ``overwrite``: those of an interrupted run, and any
    in a folder. One file that is whole is replaced when the new one is.
    """
    store = layout.store
    disk = disk or (StoreDisk(layout, store) if store else Disk())
    disk.mode = private_mode(layout)
    lock = Lock(layout.journal)
    try:
        history = read_history(layout.journal)
        if store:
            _look_into(store, layout, history, resume=resume, overwrite=overwrite)
        if resume and history:
            _check_same(history.run, run)
        elif resume and layout.manifest.is_file():
            manifest = read_manifest(layout.manifest)
            _check_same(manifest.run, run)
            lock.release()
            return manifest
        else:
            _make_room(layout, history, disk, overwrite=overwrite)
            history = RunHistory(run, RunState(), (), (), 0)
        return RunOutput(layout, history, disk, lock)
    except BaseException:
        lock.release()
        raise


def _look_into(
    store: Store, layout: Layout, history: RunHistory | None, *, resume: bool, overwrite: bool
) -> None:
    """Raises UsageError where the store's files forbid the run, or it cannot be asked."""
    try:
        if history and resume:
            check_stored(history.parts, store)
        elif history is None or overwrite:
            begin_in_store(layout, store, overwrite=overwrite)
    except OSError as error:
        raise UsageError(f"cannot write to {layout.location}: {error}") from error


def private_mode(layout: Layout) -> int:
    """The mode of new files: that of the output where it is there, as texts are in them."""
    output = layout.part(1)
    return stat.S_IMODE(output.stat().st_mode) if output.is_file() else Disk.mode


def drive(
    chunks: Iterable[Chunk],
    output: RunOutput,
    *,
    stop: Callable[[], bool],
    watch: Callable[[Chunk], None],
    commit_seconds: float = COMMIT_SECONDS,
) -> bool:
    """Write chunks, committing now and then, to their end; False where ``stop`` came before it."""
    committed = time.monotonic()
    for chunk in chunks:
        output.add(chunk)
        watch(chunk)
        if stop():
            output.commit()
            return False
        if time.monotonic() - committed >= commit_seconds:
            output.commit()
            committed = time.monotonic()
    return True


def _check_same(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    found = list(differences(old, new))
    if not found:
        return
    lines = found[:_DIFFERENCES_SHOWN]
    if len(found) > len(lines):
        lines.append(f"and {len(found) - len(lines)} more")
    listing = "\n  ".join(lines)
    raise UsageError(
        f"the run to resume was another; what has changed since:\n  {listing}\n"
        "Undo that, or begin again with --overwrite"
    )


def _make_room(layout: Layout, history: RunHistory | None, disk: Disk, *, overwrite: bool) -> None:
    """Raises UsageError where results are in the way; else removes a folder's old ones."""
    if history and history.state.cursor.read and not overwrite:
        raise UsageError(
            f"{layout.journal} tells of a run that was interrupted after "
            f"{history.state.cursor.read:,} records: --resume goes on with it, --overwrite begins "
            "again"
        )
    if layout.file:
        return
    old = [path for path in layout.own_files() if path != layout.journal]
    if not overwrite and not all(path.name.endswith(PARTIAL) for path in old):
        raise UsageError(
            f"{layout.location} holds the output of a run: --overwrite replaces it, --resume goes "
            "on with it where it is unfinished"
        )
    for path in sorted(old, key=lambda path: _removal_order(path, layout)):
        disk.remove(path)


def _removal_order(path: Path, layout: Layout) -> tuple[bool, Path]:
    """The manifest goes first: nothing half-removed looks finished."""
    return path != layout.manifest, path
