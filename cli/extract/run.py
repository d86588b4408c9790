"""A run of keci-extract: reader, model and output put together, watched and stopped."""

import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import click

from keci.cli.extract.watch import FailureLimit, StopSignals, progress_line
from keci.cli.options import EXIT_SOME_FAILED, is_quiet, show_progress
from keci.cli.tables import print_summary
from keci.corpus.metrics import Memory, Meter, MetricsFile, failure_kind
from keci.corpus.quarantine import Accounts
from keci.corpus.reader import CorpusReader
from keci.corpus.records import Chunk, Record
from keci.corpus.run.finished import FinishedRun
from keci.corpus.run.layout import Layout
from keci.corpus.run.manifest import Manifest
from keci.corpus.run.output import RunOutput
from keci.corpus.run.runs import drive, open_run
from keci.corpus.run.streaming import StreamOutput
from keci.errors import KeciError, WorkerError
from keci.printable import LONGEST_MESSAGE, printable
from keci.progress import ProgressDisplay, clock_time

EXIT_SIGNAL = 128
EXIT_BROKEN_PIPE = EXIT_SIGNAL + 13
NO_RECORDS = "the inputs hold no records, or none that were asked for"
_REASONS_SHOWN = 3
Extract = Callable[[Iterator[Record]], Iterator[Chunk]]
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What looks on while a run goes, beside the progress display."""

    failure_limit: FailureLimit
    metrics: Path | None
    queues: Mapping[str, Callable[[], int]]
    process_ids: Callable[[], Sequence[int]]


class Watch:
    """Counts chunks, shows how far they have come, and says when to stop."""

    def __init__(self, reader: CorpusReader, options: WatchOptions) -> None:
        self.meter = Meter(reader, memory=Memory(options.process_ids))
        self.meter.queues.update(options.queues)
        self._display = ProgressDisplay(is_shown=show_progress())
        self._metrics = MetricsFile(options.metrics, self.meter) if options.metrics else None
        self._limit = options.failure_limit
        self._signals = StopSignals()
        self._stack = ExitStack()

    def add(self, chunk: Chunk) -> None:
        self.meter.add(chunk)
        share = self.meter.share
        self._display.update(
            progress_line(self.meter), share or 0.0, None if share is None else 1.0
        )
        if self._metrics:
            self._metrics.update()

    def should_stop(self) -> bool:
        return self._signals.received is not None or self._has_too_many_failures()

    def stop_code(self) -> int:
        """What the process ends with where ``should_stop``."""
        if self._signals.received is not None:
            return EXIT_SIGNAL + self._signals.received
        click.echo(f"Error: {self.meter.failed:,} records failed, more than allowed", err=True)
        return EXIT_SOME_FAILED

    def _has_too_many_failures(self) -> bool:
        return self._limit.is_exceeded(self.meter.failed, self.meter.records)

    def __enter__(self) -> Self:
        self._stack.enter_context(self._display)
        self._stack.enter_context(self._signals)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stack.close()
        if self._metrics:
            self._metrics.write()
        if kind is None:
            print_summary("", summary_of(self.meter))


@dataclass(frozen=True, slots=True)
class RunChoice:
    """Where a run writes, what it is to do, and what it does about an earlier one."""

    layout: Layout
    run: Mapping[str, Any]
    resume: bool
    overwrite: bool


def run_to_files(
    extract: Extract, reader: CorpusReader, choice: RunChoice, options: WatchOptions
) -> int:
    """Run to the end, or as far as it goes; the exit code."""
    output = open_run(choice.layout, choice.run, resume=choice.resume, overwrite=choice.overwrite)
    if isinstance(output, Manifest):
        _tell("that run is finished already")
        return _finished_run(choice.layout, output, "")
    start = output.state.cursor
    if start.read:
        _LOGGER.info("going on after %s records", f"{start.read:,}")
    with closing(output):
        reader.take_census(choice.layout.census, output.identity)
        return _run(extract, reader, output, options)


def _run(extract: Extract, reader: CorpusReader, output: RunOutput, options: WatchOptions) -> int:
    manifest = None
    with Watch(reader, options) as watch:
        watch.meter.queues["uncommitted"] = lambda: output.uncommitted
        try:
            chunks = extract(reader.read(output.state.cursor))
            if drive(chunks, output, stop=watch.should_stop, watch=watch.add):
                manifest = output.finish(reader.cursor)
        except OSError as error:
            raise KeciError(f"the output failed: {error}; {_how_to_go_on(reader)}") from error
        except WorkerError as error:
            raise KeciError(f"{error}; {_how_to_go_on(reader)}") from error
    if manifest is not None:
        code = _finished_run(output.layout, manifest, _pace(watch.meter))
        _tell_left_out(reader)
        return code
    _tell(f"stopped after {output.state.cursor.read:,} records; {_how_to_go_on(reader)}")
    return watch.stop_code()


def run_to_stream(
    extract: Extract, reader: CorpusReader, output: StreamOutput, options: WatchOptions
) -> int:
    """Run to the end, or until a signal or the reader of a pipe ends it; the exit code."""
    reader.take_census()
    with Watch(reader, options) as watch:
        try:
            chunks = extract(reader.read())
            output.write(chunks, stop=watch.should_stop, watch=watch.add)
        except BrokenPipeError:
            _silence_stdout()
            return EXIT_BROKEN_PIPE
        except OSError as error:
            raise KeciError(f"the output failed: {error}") from error
    if not output.is_complete:
        _tell(f"stopped after {output.written + output.failed + output.withdrawn:,} records")
        return watch.stop_code()
    taken = reader.selection.shard.count(reader.cursor.taken)
    accounts = Accounts(taken, output.written, output.failed, output.withdrawn, output.left_out)
    failed = Failed(output.failed, watch.meter.reasons, output.failures_path)
    code = _finished(accounts, reader.cursor.repeated, _pace(watch.meter), failed)
    _tell_left_out(reader)
    return code


@dataclass(frozen=True, slots=True)
class Failed:
    """Why ``count`` records failed, as far as known, and the file that has them, if any."""

    count: int
    reasons: Counter[str]
    path: Path | str | None

    def __str__(self) -> str:
        """``3 failed: 2 times "line ...: not valid JSON"; 1 time "..."; see F.jsonl``."""
        common = self.reasons.most_common(_REASONS_SHOWN)
        parts = [
            f'{number:,} {"time" if number == 1 else "times"} "{printable(kind)}"'
            for kind, number in common
        ]
        others = self.count - sum(number for _, number in common)
        parts += [f"{others:,} for other reasons"] if others else []
        where = f"; see {printable(self.path, LONGEST_MESSAGE)}" if self.path else ""
        return f"{self.count:,} failed: {'; '.join(parts)}{where}"


def _finished_run(layout: Layout, manifest: Manifest, pace: str) -> int:
    accounts = Accounts(manifest.taken_here, manifest.written, manifest.failed, manifest.withdrawn)
    return _finished(accounts, manifest.repeated, pace, _failed_earlier_or_now(layout, manifest))


def _failed_earlier_or_now(layout: Layout, manifest: Manifest) -> Failed:
    """The failures of the whole run, some of which may be from before it was resumed."""
    run = FinishedRun(layout.output, manifest)
    reasons = Counter(failure_kind(failure.reason) for failure, _ in run.failures())
    return Failed(manifest.failed, reasons, layout.location_of(layout.failures))


def _finished(accounts: Accounts, repeated: int, pace: str, failed: Failed) -> int:
    accounts.check()
    withdrawn = f", {accounts.withdrawn} withdrawn" if accounts.withdrawn else ""
    left_out = f", {accounts.left_out} more certain ones left out" if accounts.left_out else ""
    _tell(
        f"{accounts.read} records read, {accounts.written} written, "
        f"{accounts.failed} failed{withdrawn}{left_out}{pace}"
    )
    if accounts.failed:
        click.echo(f"{failed}", err=True)
    if not accounts.read:
        _tell(NO_RECORDS)
    if repeated:
        _tell(f"{repeated} records have an id that came before (--repeated-ids)")
    return EXIT_SOME_FAILED if accounts.failed else 0


def _tell_left_out(reader: CorpusReader) -> None:
    """What readers passed over in the inputs that this process read."""
    if reader.left_out:
        kinds = (f"{count:,} {kind}" for kind, count in reader.left_out.items())
        _tell(f"left out of the texts: {', '.join(kinds)}")


def summary_of(meter: Meter) -> Mapping[str, str]:
    """What this process has done, for people."""
    record = meter.to_record()
    peak = record["memory"].get("peak_rss_bytes")
    return {
        "documents": f"{meter.documents:,}",
        "failed": f"{meter.failed:,}",
        "entities": f"{meter.entities:,}",
        "relations": f"{meter.relations:,}",
        "time": clock_time(meter.seconds),
        "records a second": f"{meter.rate:,.1f}",
        "characters a second": f"{record['characters_per_second']:,.0f}",
        **({"memory at most": f"{peak / 1e6:,.0f} MB"} if peak else {}),
    }


def _pace(meter: Meter) -> str:
    return f" in {clock_time(meter.seconds)} ({meter.rate:,.1f}/s)"


def _how_to_go_on(reader: CorpusReader) -> str:
    if reader.can_be_read_again:
        return "the same command with --resume goes on there"
    return "it cannot be resumed, as an input is a pipe"


def _tell(message: str) -> None:
    if not is_quiet():
        click.echo(message, err=True)


def _silence_stdout() -> None:
    """Keep Python from complaining at exit that what it still holds cannot be written."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
