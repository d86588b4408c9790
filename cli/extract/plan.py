"""What a keci-extract command line asks for, checked before anything slow begins."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import click

from keci.cli.extract.run import NO_RECORDS, RunChoice, WatchOptions, run_to_files, run_to_stream
from keci.cli.extract.watch import FailureLimit, StopSignals
from keci.cli.options import EXIT_SOME_FAILED, step_shown
from keci.cli.tables import print_table
from keci.corpus.inputs import InputOptions
from keci.corpus.quarantine import Quarantine
from keci.corpus.reader import CorpusReader
from keci.corpus.records import Shard, Withdrawal
from keci.corpus.retries import failures_file
from keci.corpus.run.layout import PART_RECORDS, PARTIAL, Layout, file_layout, folder_layout
from keci.corpus.run.manifest import describe_inputs
from keci.corpus.run.stored import store_layout
from keci.corpus.run.streaming import STDOUT, SampledOutput, StreamOutput, is_stream
from keci.documents import Failure
from keci.errors import UsageError
from keci.formats.write import KIND_NAMES, Format, format_of
from keci.opening import ModelOptions, collect_rarely, open_extractor
from keci.options import Options, option
from keci.pipeline import Pipeline
from keci.stores import is_url, local_path
from keci.targets import check_standard_output, check_targets

_LOGGER = logging.getLogger(__name__)
_FAILURES_BESIDE = "--failures is for standard output; else they go beside the output"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions(Options):
    """Where results go."""

    output: str = option(
        STDOUT,
        "File; its ending chooses the format. It appears when it is whole, beside OUT.run.json.",
        "-o",
        "--output",
        shown_default="stdout",
    )
    folder: str | None = option(
        None, "Folder for numbered part files and a manifest, instead of one file.", "--output-dir"
    )
    work_folder: Path | None = option(
        None,
        "Where a run works whose output is a URL; a cache of the user if not given.",
        "--work-dir",
    )
    format_name: str | None = option(
        None,
        f"{', '.join(KIND_NAMES)}, csv, tsv, xlsx; jsonl.gz, jsonl.zst and so on.",
        "--output-format",
    )
    rows: str | None = option(
        None,
        "Write a table with a row for each of these: csv, tsv and xlsx (relations if not given), "
        "parquet.",
        choices=("relations", "mentions"),
    )
    part_records: int = option(
        PART_RECORDS, "Documents of a part, rounded up to what is extracted at once.", least=1
    )
    resume: bool = option(False, "Go on with an interrupted run, or begin it.")
    overwrite: bool = option(False, "Begin again where results would be in the way.")
    failures: str | None = option(
        None,
        "Where failed records go when the output is stdout; the log if not given. Else they go "
        "beside the output, to OUT.failures.jsonl.",
    )

    def open(self) -> StreamOutput | Layout:
        """Raises UsageError where results cannot go there."""
        if self.folder is None and is_stream(self.output):
            return self._open_stream()
        if self.failures:
            raise UsageError(_FAILURES_BESIDE)
        if self.folder is None and is_url(self.output):
            return self._in_store(self.output, None)
        if self.folder is None:
            return file_layout(Path(self.output), self.format_name, self.rows)
        if self.output != STDOUT:
            raise UsageError("--output and --output-dir exclude each other")
        if is_url(self.folder):
            return self._in_store(self.folder, self.part_records)
        return folder_layout(Path(self.folder), self.format_name, self.part_records, self.rows)

    def open_sample(self, count: int) -> SampledOutput:
        """For the ``count`` least certain records; raises UsageError where they cannot go there."""
        if self.resume or self.folder is not None or is_url(self.output):
            raise UsageError(
                "--sample uncertain writes one file, when all is known: -o OUT or standard output, "
                "without --resume"
            )
        if is_stream(self.output):
            form, failures = format_of(self.output, self.format_name, self.rows), self.failures
        else:
            form, failures = self._layout_of_sample()
        return SampledOutput(self.output, form, Quarantine(failures), count=count)

    def _layout_of_sample(self) -> tuple[Format, str]:
        layout = file_layout(Path(self.output), self.format_name, self.rows)
        for path in (layout.manifest, layout.journal):
            if path.exists():
                raise UsageError(f"{path} is of another run: a sample needs a file of its own")
        if self.failures:
            raise UsageError(_FAILURES_BESIDE)
        return layout.format, str(layout.failures)

    def _in_store(self, url: str, part_records: int | None) -> Layout:
        return store_layout(
            url,
            self.format_name,
            part_records=part_records,
            work_folder=self.work_folder,
            rows=self.rows,
        )

    def _open_stream(self) -> StreamOutput:
        if self.resume:
            raise UsageError("--resume needs an output that stays: -o OUT or --output-dir")
        return StreamOutput(
            self.output,
            format_of(self.output, self.format_name, self.rows),
            Quarantine(self.failures),
        )


def _check_apart(
    reads: Sequence[Path | str], target: Layout | StreamOutput, metrics: Path | None
) -> None:
    """Raises UsageError where something that is read would be written over, or cannot be made."""
    written = [metrics, metrics.with_name(f"{metrics.name}{PARTIAL}")] if metrics else []
    if isinstance(target, Layout):
        for path in reads:
            if path != STDOUT and target.holds(Path(path)):
                raise UsageError(f"the input {path} lies where the output goes")
        written += [*target.written_files(), *target.stored_files()]
    else:
        written += target.written_files()
        if target.path == STDOUT:
            check_standard_output(reads)
    check_targets(written, reads)


def _check_urls_apart(reader: CorpusReader, target: Layout | StreamOutput) -> None:
    """Raises UsageError where an input in a store would be written over."""
    for source in reader.sources:
        if source.is_url and isinstance(target, Layout) and target.holds_url(source.path):
            raise UsageError(f"the input {source.name} lies where the output goes")


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchChoice(Options):
    """What looks on, and what ends a run before its time."""

    max_failures: str | None = option(None, "Stop when more records fail.", metavar="N|P%")
    metrics: Path | None = option(None, "Keep counts and rates here (JSON).")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole command line."""

    inputs: InputOptions
    output: OutputOptions
    model: ModelOptions
    watch: WatchChoice

    def run(self) -> int:
        """Extract; the exit code."""
        failure_limit = FailureLimit.parse(self.watch.max_failures)
        reader, uncertain = self.inputs.open(), self.inputs.sampled.uncertain
        target = self.output.open_sample(uncertain) if uncertain else self.output.open()
        if self.output.resume and not reader.can_be_read_again:
            raise UsageError("--resume needs inputs that can be read again, not a pipe")
        _check_urls_apart(reader, target)
        _check_apart([*self._read_files(reader)], target, self.watch.metrics)
        with step_shown(f"opening {self.model.model}"):
            opened = open_extractor(self.model)
        with Pipeline(opened) as pipeline:
            if not pipeline.process_ids:
                collect_rarely()
            code = self._run(reader, target, pipeline, failure_limit)
            pipeline.check_used(is_whole=self._is_whole)
            return code

    def _run(
        self,
        reader: CorpusReader,
        target: StreamOutput | Layout,
        pipeline: Pipeline,
        failure_limit: FailureLimit,
    ) -> int:
        queues = {"extraction": lambda: pipeline.records_waiting}
        metrics = self.watch.metrics
        options = WatchOptions(failure_limit, metrics, queues, lambda: pipeline.process_ids)
        if isinstance(target, StreamOutput):
            return run_to_stream(pipeline.chunks, reader, target, options)
        _LOGGER.debug("hashing %s bytes of input", reader.total_bytes)
        run = {
            **pipeline.description,
            "inputs": describe_inputs(reader.sources),
            "options": self._options(target),
        }
        choice = RunChoice(target, run, self.output.resume, self.output.overwrite)
        return run_to_files(pipeline.chunks, reader, choice, options)

    @property
    def _is_whole(self) -> bool:
        """Whether all of the inputs are read, and now."""
        chosen = self.inputs
        is_one_shard = Shard.parse(chosen.shard) == Shard()
        return is_one_shard and not (self.output.resume or chosen.limit or chosen.sampled.share)

    def _read_files(self, reader: CorpusReader) -> Iterator[Path | str]:
        """The files that the run reads, and the folders of the model and the knowledge base."""
        for source in reader.sources:
            if path := local_path(source.path) if source.is_url else source.path:
                yield path
        if self.inputs.retried:
            yield failures_file(self.inputs.retried)
        yield from self.model.read_files()

    def count(self) -> int:
        """Read the inputs and show what is in them; the exit code."""
        return count_records(self.inputs.open())

    def _options(self, layout: Layout) -> Mapping[str, Any]:
        """What decides about the bytes of the output, beside the inputs and the model."""
        return {
            **self.inputs.to_record(),
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
    _show(counts, reader.formats)
    if not reader.cursor.taken:
        click.echo(NO_RECORDS, err=True)
    for kind, number in reader.left_out.items():
        click.echo(f"left out: {number:,} {kind}")
    if reader.cursor.repeated:
        click.echo(f"{reader.cursor.repeated} records have an id that came before")
    return EXIT_SOME_FAILED if quarantine.count else 0


def _show(counts: dict[str, SourceCounts], formats: Mapping[str, str]) -> None:
    rows = [(name, formats.get(name, "none"), *astuple(count)) for name, count in counts.items()]
    total = ("total", "", *map(sum, zip(*map(astuple, counts.values()), strict=True)))
    columns = ("input", "read as", "records", "failed", "withdrawn", "without text", "characters")
    print_table("", columns, [*rows, total] if len(rows) > 1 else rows)
