"""Finished runs read back: their extractions, their failures, and whether all is as it was left."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from keci.corpus.metrics import failure_kind
from keci.corpus.quarantine import decode_withdrawal
from keci.corpus.records import Withdrawal
from keci.corpus.run.layout import journal_path, manifest_path
from keci.corpus.run.manifest import FileFacts, Manifest, file_facts, read_manifest
from keci.documents import Extraction, Failure
from keci.errors import DataError, UsageError
from keci.formats import brat, xmi
from keci.formats.failures import decode_failure
from keci.formats.write import READABLE_ENDINGS, Format, format_of

Item = TypeVar("Item")


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
        try:
            return format_of("", self.manifest.run["options"]["format"])
        except (UsageError, KeyError) as error:
            raise DataError(
                f"{manifest_path(self.output)}: run: options: format: {error}"
            ) from error

    def files(self) -> Iterator[Path]:
        """All files of the run that are there."""
        manifest = self.manifest
        sides = (manifest.failures, manifest.withdrawn_records)
        names = [facts.name for facts in (*manifest.parts, *sides) if facts]
        yield from (self.folder / name for name in names)
        yield manifest_path(self.output)

    def extractions(self) -> Iterator[Extraction]:
        """All of them in order; raises DataError where a part is damaged."""
        for part in self.manifest.parts:
            yield from self.read_part(part)

    def read_part(self, part: FileFacts) -> Iterator[Extraction]:
        with self._open(part) as file:
            try:
                yield from self.format.read(file)
            except (DataError, OSError, EOFError, ValueError) as error:
                raise DataError(f"{part.name}: {error}") from error

    def failures(self) -> Iterator[tuple[Failure, int]]:
        """All of them in order, each with the ordinal of its record."""
        return self._lines(self.manifest.failures, decode_failure)

    def withdrawn(self) -> Iterator[tuple[Withdrawal, int]]:
        """All records that the corpus took back, in order, each with its ordinal."""
        return self._lines(self.manifest.withdrawn_records, decode_withdrawal)

    def _lines(self, facts: FileFacts | None, decode: Callable[[bytes], Item]) -> Iterator[Item]:
        if facts is None:
            return
        with self._open(facts) as lines:
            yield from map(decode, lines)

    def _open(self, facts: FileFacts) -> BinaryIO:
        """Raises DataError where the file is not there, or is a link or a device."""
        path = self.folder / facts.name
        if path.is_symlink() or not path.is_file():
            raise DataError(f"{facts.name} is not the file that the run left")
        return path.open("rb")


def open_finished(output: Path) -> FinishedRun:
    """Raises DataError where there is no finished run."""
    path = output.resolve()
    return FinishedRun(path, read_manifest(manifest_path(path)))


_ReadFolder = Callable[[Path], Iterator[Extraction]]
_UNPACKED: tuple[tuple[Callable[[Path], bool], _ReadFolder], ...] = (
    (brat.is_unpacked, brat.read_folder),
    (xmi.is_unpacked, xmi.read_folder),
)


def read_output(output: Path) -> Iterator[Extraction]:
    """The extractions of a run's file or folder, or of a file in any format that is written.

    A folder may also be an unpacked archive of brat or XMI. Raises UsageError where there is no
    such file, DataError where it is damaged.
    """
    if output.is_dir():
        read_folder = _reader_of_unpacked(output)
        yield from read_folder(output) if read_folder else open_finished(output).extractions()
        return
    if not output.is_file():
        raise UsageError(f"there is no output of keci-extract at {output}")
    form = _format_read(output)
    with output.open("rb") as file:
        try:
            yield from form.read(file)
        except (DataError, OSError, EOFError, ValueError) as error:
            raise DataError(f"{output}: {error}") from error


def output_files(output: Path) -> Iterator[Path]:
    """The files that ``read_output`` reads, and what belongs to them in the folder of a run."""
    if not output.is_dir():
        yield output
    elif _reader_of_unpacked(output):
        yield from output.rglob("*")
    else:
        yield from open_finished(output).files()


def _reader_of_unpacked(folder: Path) -> _ReadFolder | None:
    """What reads the folder of an unpacked archive; None where a run was, or nothing is known."""
    if manifest_path(folder).exists():
        return None
    return next((read for holds, read in _UNPACKED if holds(folder)), None)


def _format_read(output: Path) -> Format:
    try:
        return format_of(output.name, None)
    except UsageError as error:
        raise UsageError(
            f"{output} is no output of keci-extract: expected a folder, or a file that ends in "
            f"{', '.join(READABLE_ENDINGS)} (.gz or .zst may follow)"
        ) from error


def problems(run: FinishedRun) -> Iterator[str]:
    """What is not as the run left it: hashes, numbers of records, offsets, and the sum of all."""
    manifest = run.manifest
    for part in manifest.parts:
        found = _file_problem(run.folder / part.name, part)
        if found:
            yield found
        elif not run.format.is_table:
            yield from _content_problems(run, part)
    if manifest.failures:
        yield from _line_problems(run, manifest.failures, run.failures())
    if manifest.withdrawn_records:
        yield from _line_problems(run, manifest.withdrawn_records, run.withdrawn())
    if manifest.taken_here != manifest.written + manifest.failed + manifest.withdrawn:
        yield (
            f"records do not add up: {manifest.taken_here} taken, but {manifest.written} written, "
            f"{manifest.failed} failed and {manifest.withdrawn} withdrawn"
        )
    if run.output.is_dir():
        yield from _foreign_files(run)
    elif journal_path(run.output).is_file():
        yield f"{journal_path(run.output).name} tells of a run that is not finished"


def _file_problem(path: Path, facts: FileFacts) -> str | None:
    if path.is_symlink() or not path.is_file():
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


def _line_problems(run: FinishedRun, facts: FileFacts, items: Iterator[object]) -> Iterator[str]:
    found = _file_problem(run.folder / facts.name, facts)
    if found:
        yield found
        return
    try:
        count = sum(1 for _ in items)
    except DataError as error:
        yield f"{facts.name}: {error}"
        return
    if count != facts.records:
        yield f"{facts.name} has {count} records, expected {facts.records}"


def _foreign_files(run: FinishedRun) -> Iterator[str]:
    known = {part.name for part in run.manifest.parts} | {manifest_path(run.output).name}
    sides = (run.manifest.failures, run.manifest.withdrawn_records)
    known |= {facts.name for facts in sides if facts}
    for path in sorted(run.output.iterdir()):
        if path.name not in known:
            yield f"{path.name} is no file of this run"


@dataclass(slots=True)
class Summary:
    """Sums over extractions; ``linked`` counts mentions with a concept."""

    documents: int = 0
    characters: int = 0
    without_text: int = 0
    without_entities: int = 0
    linked: int = 0
    entities: Counter[str] = field(default_factory=Counter)
    relations: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    withdrawn: Counter[str] = field(default_factory=Counter)
    repeated_ids: int = 0

    def add(self, extraction: Extraction) -> None:
        self.documents += 1
        self.characters += len(extraction.text)
        self.without_text += not extraction.text.strip()
        self.without_entities += not extraction.mentions
        for mention in extraction.mentions:
            self.entities[mention.type] += 1
            self.linked += bool(mention.concepts)
        self.relations.update(relation.type for relation in extraction.relations)

    def to_record(self) -> dict[str, Any]:
        """The counts as plain values; rates are per document, 0 without documents."""
        documents = max(self.documents, 1)
        return {
            "documents": self.documents,
            "characters": self.characters,
            "without_text": self.without_text,
            "without_entities": self.without_entities,
            "entities": {
                "total": self.entities.total(),
                "per_document": round(self.entities.total() / documents, 4),
                "linked": self.linked,
                "by_type": dict(self.entities.most_common()),
            },
            "relations": {
                "total": self.relations.total(),
                "per_document": round(self.relations.total() / documents, 4),
                "by_type": dict(self.relations.most_common()),
            },
            "failures": {
                "total": self.failures.total(),
                "by_reason": dict(self.failures.most_common()),
            },
            "withdrawn": {
                "total": self.withdrawn.total(),
                "by_reason": dict(self.withdrawn.most_common()),
            },
            "repeated_ids": self.repeated_ids,
        }


def summarise(run: FinishedRun) -> Summary:
    """Read a whole run; raises DataError where it is damaged."""
    summary = Summary()
    for extraction in run.extractions():
        summary.add(extraction)
    summary.failures.update(failure_kind(failure.reason) for failure, _ in run.failures())
    summary.withdrawn.update(withdrawal.reason for withdrawal, _ in run.withdrawn())
    summary.repeated_ids = run.manifest.repeated
    return summary
