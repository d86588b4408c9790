"""What a keci-extract command line asks for, checked before anything slow begins."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import click

from keci.cli.extract.run import RunChoice, WatchOptions, run_to_files, run_to_stream
from keci.cli.extract.watch import FailureLimit, StopSignals
from keci.cli.extract.workers import Engine, Opened, opened_models
from keci.cli.options import EXIT_SOME_FAILED
from keci.cli.tables import print_table
from keci.corpus.identity import IdRules
from keci.corpus.metrics import Queue
from keci.corpus.quarantine import Quarantine
from keci.corpus.reader import CorpusReader
from keci.corpus.records import Selection, Shard, Withdrawal, parse_share
from keci.corpus.retries import FailedPositions, failures_file, read_positions
from keci.corpus.run.layout import PARTIAL, Layout, file_layout, folder_layout
from keci.corpus.run.manifest import describe_inputs, file_facts
from keci.corpus.run.streaming import STDOUT, StreamOutput, is_stream
from keci.documents import Failure
from keci.errors import UsageError
from keci.formats.limits import limit_names, with_limits
from keci.formats.stream import ReadOptions
from keci.formats.write import format_of
from keci.pipeline import ModelChoice
from keci.targets import check_standard_output, check_targets

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InputChoice:
    """Which records are read."""

    inputs: tuple[str, ...]
    input_format: str
    text_field: str
    id_field: str
    limits: tuple[str, ...]
    revisions: str
    repeated_ids: str
    limit: int | None
    sample: str | None
    shard: str
    retried: Path | None

    def retried_sha256(self) -> str | None:
        """Which failures are tried again."""
        return file_facts(failures_file(self.retried), 0).sha256 if self.retried else None

    def open(self) -> CorpusReader:
        """Raises UsageError where inputs or choices make no sense."""
        inputs, positions = self._places()
        if not inputs:
            raise UsageError("expected at least one INPUT: a file, a folder, a pattern or -")
        selection = Selection(
            self.limit,
            parse_share(self.sample) if self.sample else 1.0,
            Shard.parse(self.shard),
            positions,
        )
        return CorpusReader(
            inputs,
            input_format=self.input_format,
            options=self.read_options,
            selection=selection,
            rules=IdRules(self.revisions, self.repeated_ids),
        )

    @property
    def read_options(self) -> ReadOptions:
        options = ReadOptions(text_field=self.text_field, id_field=self.id_field)
        return with_limits(options, self.limits)

    def _places(self) -> tuple[Sequence[str], Mapping[str, FailedPositions] | None]:
        """What is read, and which records of it where not all.

        Failures are tried again where they were read, and where these inputs are no longer there,
        from what was kept of them.
        """
        if self.retried is None:
            return self.inputs, None
        failures = failures_file(self.retried)
        positions = read_positions(failures)
        if self.inputs or all(Path(name).is_file() for name in positions):
            return self.inputs or tuple(positions), positions
        _LOGGER.info("not all inputs are there: the records are read from %s", failures)
        return (str(failures),), None


@dataclass(frozen=True, slots=True)
class OutputChoice:
    """Where results go."""

    output: str
    folder: Path | None
    format_name: str | None
    part_records: int
    resume: bool
    overwrite: bool
    failures: str | None

    def open(self) -> StreamOutput | Layout:
        """Raises UsageError where results cannot go there."""
        if self.folder is None and is_stream(self.output):
            return self._open_stream()
        if self.failures:
            raise UsageError("--failures is for standard output; else they go beside the output")
        if self.folder is None:
            return file_layout(Path(self.output), self.format_name)
        if self.output != STDOUT:
            raise UsageError("--output and --output-dir exclude each other")
        return folder_layout(self.folder, self.format_name, self.part_records)

    def _open_stream(self) -> StreamOutput:
        if self.resume:
            raise UsageError("--resume needs an output that stays: -o OUT or --output-dir")
        return StreamOutput(
            self.output, format_of(self.output, self.format_name), Quarantine(self.failures)
        )


def _check_apart(
    reads: Sequence[Path], target: Layout | StreamOutput, metrics: Path | None
) -> None:
    """Raises UsageError where something that is read would be written over, or cannot be made."""
    written = [metrics, metrics.with_name(f"{metrics.name}{PARTIAL}")] if metrics else []
    if isinstance(target, Layout):
        for path in reads:
            if target.holds(path):
                raise UsageError(f"the input {path} lies where the output goes")
        written += target.written_files()
    else:
        written += target.written_files()
        if target.path == STDOUT:
            check_standard_output(reads)
    check_targets(written, reads)


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole command line."""

    inputs: InputChoice
    output: OutputChoice
    model: ModelChoice
    processes: int | None
    engine: Engine
    max_failures: str | None
    metrics: Path | None

    def run(self) -> int:
        """Extract; the exit code."""
        failure_limit = FailureLimit.parse(self.max_failures)
        reader, target = self.inputs.open(), self.output.open()
        if self.output.resume and not reader.can_be_read_again:
            raise UsageError("--resume needs inputs that can be read again, not a pipe")
        _check_apart([*self._read_files(reader)], target, self.metrics)
        inputs = self.inputs
        is_whole = not (
            self.output.resume
            or inputs.limit
            or inputs.sample
            or Shard.parse(inputs.shard) != Shard.parse("1/1")
        )
        with opened_models(self.model, self.processes, self.engine, is_whole=is_whole) as opened:
            return self._run(reader, target, opened, failure_limit)

    def _run(
        self,
        reader: CorpusReader,
        target: StreamOutput | Layout,
        opened: Opened,
        failure_limit: FailureLimit,
    ) -> int:
        extract = opened.extract
        queues = {"extraction": lambda: Queue(extract.records_waiting)}
        options = WatchOptions(failure_limit, self.metrics, queues, opened.process_ids)
        if isinstance(target, StreamOutput):
            return run_to_stream(extract, reader, target, options)
        _LOGGER.debug("hashing %s bytes of input", reader.total_bytes)
        run = {
            **opened.description,
            "inputs": describe_inputs(reader.sources),
            "options": self._options(target),
        }
        choice = RunChoice(target, run, self.output.resume, self.output.overwrite)
        return run_to_files(extract, reader, choice, options)

    def _read_files(self, reader: CorpusReader) -> Iterator[Path]:
        """The files that the run reads, and the folders of the model and the knowledge base."""
        yield from (Path(source.path) for source in reader.sources if source.is_regular)
        if self.inputs.retried:
            yield failures_file(self.inputs.retried)
        model = Path(self.model.model)
        folders = (model, model / "encoder", self.model.kb, self.model.mentions)
        yield from (path for path in folders if path and path.exists())

    def count(self) -> int:
        """Read the inputs and show what is in them; the exit code."""
        return count_records(self.inputs.open())

    def _options(self, layout: Layout) -> Mapping[str, Any]:
        """What decides about the bytes of the output, beside the inputs and the model."""
        chosen = self.inputs
        return {
            "input_format": chosen.input_format,
            "text_field": chosen.text_field,
            "id_field": chosen.id_field,
            "limits": {name: getattr(chosen.read_options, name) for name in limit_names()},
            "revisions": chosen.revisions,
            "repeated_ids": chosen.repeated_ids,
            "limit": chosen.limit,
            "sample": parse_share(chosen.sample) if chosen.sample else None,
            "shard": str(Shard.parse(chosen.shard)),
            "retried": chosen.retried_sha256(),
            "format": layout.format.name,
            "part_records": layout.part_records,
        }


@dataclass(slots=True)
class SourceCounts:
    """What was read from one input."""

    records: int = 0
    failed: int = 0
    withdrawn: int = 0
    empty: int = 0
    characters: int = 0


def count_records(reader: CorpusReader) -> int:
    """Read everything, log what fails, and print a table; the exit code."""
    counts = {source.name: SourceCounts() for source in reader.sources}
    reader.take_census()
    with StopSignals() as signals, Quarantine(None) as quarantine:
        for record in reader.read():
            count = counts[record.source]
            count.records += 1
            if isinstance(record.content, Failure):
                count.failed += 1
                quarantine.add(record.content, record.ordinal)
            elif isinstance(record.content, Withdrawal):
                count.withdrawn += 1
            else:
                count.characters += len(record.content.text)
                count.empty += not record.content.text.strip()
            if signals.received:
                break
    _show(counts)
    if reader.cursor.repeated:
        click.echo(f"{reader.cursor.repeated} records have an id that came before")
    return EXIT_SOME_FAILED if quarantine.count else 0


def _show(counts: dict[str, SourceCounts]) -> None:
    rows = [(name, *astuple(count)) for name, count in counts.items()]
    total = ("total", *map(sum, zip(*map(astuple, counts.values()), strict=True)))
    columns = ("input", "records", "failed", "withdrawn", "without text", "characters")
    print_table("", columns, [*rows, total] if len(rows) > 1 else rows)
