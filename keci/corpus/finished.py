"""Finished runs read back: their extractions, their failures, and whether all is as it was left."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from keci.corpus.formats import Format, format_of
from keci.corpus.layout import journal_path, manifest_path
from keci.corpus.manifest import FileFacts, Manifest, file_facts, read_manifest
from keci.corpus.quarantine import decode_failure
from keci.documents import Extraction, Failure
from keci.errors import DataError


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """The output of a run: a file with its manifest beside it, or a folder with one in it."""

    output: Path
    manifest: Manifest

    @property
    def folder(self) -> Path:
        return self.output if self.output.is_dir() else self.output.parent

    @property
    def format(self) -> Format:
        return format_of("", self.manifest.run["options"]["format"])

    def extractions(self) -> Iterator[Extraction]:
        """All of them in order; raises DataError where a part is damaged."""
        for part in self.manifest.parts:
            yield from self.read_part(part)

    def read_part(self, part: FileFacts) -> Iterator[Extraction]:
        with (self.folder / part.name).open("rb") as file:
            try:
                yield from self.format.read(file)
            except (DataError, OSError, EOFError, ValueError) as error:
                raise DataError(f"{part.name}: {error}") from error

    def failures(self) -> Iterator[tuple[Failure, int]]:
        """All of them in order, each with the ordinal of its record."""
        if self.manifest.failures is None:
            return
        with (self.folder / self.manifest.failures.name).open("rb") as lines:
            for line in lines:
                yield decode_failure(line)


def open_finished(output: Path) -> FinishedRun:
    """Raises DataError where there is no finished run."""
    path = output.resolve()
    return FinishedRun(path, read_manifest(manifest_path(path)))


def problems(run: FinishedRun) -> Iterator[str]:
    """What is not as the run left it: hashes, numbers of records, offsets, and the sum of all."""
    manifest = run.manifest
    for part in manifest.parts:
        found = _file_problem(run.folder / part.name, part)
        yield from [found] if found else _content_problems(run, part)
    if manifest.failures:
        found = _file_problem(run.folder / manifest.failures.name, manifest.failures)
        yield from [found] if found else _failure_problems(run, manifest.failures)
    if manifest.taken_here != manifest.written + manifest.failed:
        yield (
            f"records do not add up: {manifest.taken_here} taken, but {manifest.written} written "
            f"and {manifest.failed} failed"
        )
    if run.output.is_dir():
        yield from _foreign_files(run)
    elif journal_path(run.output).is_file():
        yield f"{journal_path(run.output).name} tells of a run that is not finished"


def _file_problem(path: Path, facts: FileFacts) -> str | None:
    if not path.is_file():
        return f"{facts.name} is missing"
    found = file_facts(path, facts.records)
    if found != facts:
        return (
            f"{facts.name} was changed: expected {facts.bytes} bytes with sha256 {facts.sha256}, "
            f"found {found.bytes} with {found.sha256}"
        )
    return None


def _content_problems(run: FinishedRun, part: FileFacts) -> Iterator[str]:
    count = 0
    try:
        for _ in run.read_part(part):
            count += 1
    except DataError as error:
        yield f"{error}"
        return
    if count != part.records:
        yield f"{part.name} has {count} records, expected {part.records}"


def _failure_problems(run: FinishedRun, facts: FileFacts) -> Iterator[str]:
    try:
        count = sum(1 for _ in run.failures())
    except DataError as error:
        yield f"{facts.name}: {error}"
        return
    if count != facts.records:
        yield f"{facts.name} has {count} failures, expected {facts.records}"


def _foreign_files(run: FinishedRun) -> Iterator[str]:
    known = {part.name for part in run.manifest.parts} | {manifest_path(run.output).name}
    if run.manifest.failures:
        known.add(run.manifest.failures.name)
    for path in sorted(run.output.iterdir()):
        if path.name not in known:
            yield f"{path.name} is no file of this run"
