"""Which files a run leaves, and under which names it writes them before they are whole.

    one file     OUT  OUT.failures.jsonl  OUT.withdrawn.jsonl  OUT.run.json
    a folder     part-00001.jsonl ...  failures.jsonl  withdrawn.jsonl  manifest.json

Failures and withdrawn records have a file where there are any. While the run is not finished there
is a journal (``OUT.journal``, ``journal``) and a census of the ids, and what is being written is
called ``.partial``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from keci.errors import UsageError
from keci.formats.write import Format, format_of
from keci.stores import Store, canonical_url, local_path

FOLDER_MANIFEST = "manifest.json"
MANIFEST_SUFFIX = ".run.json"
PARTIAL = ".partial"
PART_RECORDS = 10_000
OWN_NAME = re.compile(
    r"(?:part-\d{5,}\..+|(?:failures|withdrawn)\.jsonl|manifest\.json|journal|census)(?:\.partial)?"
)


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of a run in ``folder``; ``file`` is None where it writes numbered parts.

    A part is closed at the first end of a chunk with at least ``part_records`` documents in it.
    With a ``store`` the folder is where work is done, and what is finished goes to the store.
    """

    folder: Path
    file: str | None
    format: Format
    part_records: int | None = None
    store: Store | None = None

    def part(self, number: int) -> Path:
        return self.folder / (self.file or f"part-{number:05}{self.format.suffix}")

    def spool(self, number: int) -> Path:
        """Where a part's records are collected, as jsonl whatever its format."""
        name = self.file or f"part-{number:05}.jsonl"
        return self.folder / f"{name}{PARTIAL}"

    def converted(self, number: int) -> Path:
        """Where a part is written in its own format, unless that is jsonl."""
        name = self.part(number).name
        return self.folder / f"{name}.converted{PARTIAL}"

    @property
    def output(self) -> Path:
        """The file of the run, or its folder where it writes parts."""
        return self.folder / self.file if self.file else self.folder

    @property
    def journal(self) -> Path:
        return journal_path(self.folder / self.file) if self.file else self.folder / "journal"

    @property
    def failures(self) -> Path:
        return self._beside("failures.jsonl")

    @property
    def withdrawn(self) -> Path:
        return self._beside("withdrawn.jsonl")

    @property
    def census(self) -> Path:
        return self._beside("census")

    @property
    def manifest(self) -> Path:
        return manifest_path(self.output)

    @property
    def location(self) -> str:
        """The output as a person looks for it."""
        if self.store is None:
            return str(self.output)
        return self.store.url_of(self.file) if self.file else self.store.url

    def location_of(self, path: Path) -> str:
        """Where a person finds one of the files that the run leaves."""
        return self.store.url_of(path.name) if self.store else str(path)

    def is_part(self, path: Path) -> bool:
        """Whether a path in the folder is that of a finished part."""
        if self.file:
            return path.name == self.file
        is_own = path.name.startswith("part-") and OWN_NAME.fullmatch(path.name) is not None
        return is_own and not path.name.endswith(PARTIAL)

    def is_result(self, path: Path) -> bool:
        """Whether a path in the folder is that of a file which a finished run leaves."""
        return path in (self.failures, self.withdrawn, self.manifest) or self.is_part(path)

    def holds_url(self, url: str) -> bool:
        """Whether a run writes to that URL, or in the folder that it names."""
        if self.store is None:
            return False
        asked = canonical_url(url)
        if not self.file:
            return asked.startswith(f"{canonical_url(self.location)}/")
        stored = (self.store.url_of(path.name) for path in self.written_files())
        return asked in map(canonical_url, stored)

    def stored_files(self) -> Iterator[Path]:
        """The written files that are there, in a store that is a folder of this machine."""
        folder = local_path(self.store.url) if self.store else None
        if folder is not None:
            stored = (folder / path.name for path in self.written_files())
            yield from (path for path in stored if path.exists())

    def holds(self, path: Path) -> bool:
        """Whether a run writes to that path, or in its folder where it has one of its own."""
        if self.file:
            return path.resolve() == self.part(1)
        return self.folder in path.resolve().parents

    def written_files(self) -> Iterator[Path]:
        """All files that a run into one file may write; in a folder, those of its first part."""
        output = self.part(1)
        yield from (output, self.spool(1), self.converted(1), self.journal, self.census)
        yield self.census.with_name(f"{self.census.name}-journal")
        for path in (self.failures, self.withdrawn, self.manifest):
            yield from (path, path.with_name(f"{path.name}{PARTIAL}"))

    def own_files(self) -> Iterator[Path]:
        """The files that a run in a folder may have left; raises UsageError at one of others."""
        for path in sorted(self.folder.iterdir()):
            if not OWN_NAME.fullmatch(path.name) or not path.is_file():
                raise UsageError(f"the output folder {self.folder} holds another's: {path.name}")
            yield path

    def _beside(self, name: str) -> Path:
        return self.folder / (f"{self.file}.{name}" if self.file else name)


def manifest_path(output: Path) -> Path:
    """The manifest of a finished run by its file or folder."""
    if output.is_dir():
        return output / FOLDER_MANIFEST
    return output.with_name(f"{output.name}{MANIFEST_SUFFIX}")


def journal_path(output: Path) -> Path:
    """The journal of an unfinished run into one file."""
    return output.with_name(f"{output.name}.journal")


def file_layout(output: Path, format_name: str | None, rows: str | None = None) -> Layout:
    """One file; raises UsageError where it cannot be written there."""
    target = output.resolve()
    if not target.parent.is_dir():
        raise UsageError(f"cannot write to {output}: there is no folder {target.parent}")
    if target.is_dir():
        raise UsageError(f"cannot write to {output}: it is a folder; name it with --output-dir")
    return Layout(target.parent, target.name, format_of(output.name, format_name, rows))


def folder_layout(
    folder: Path, format_name: str | None, part_records: int, rows: str | None = None
) -> Layout:
    """Numbered parts in a folder, which is made here; raises UsageError where it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror or error}") from error
    return Layout(folder.resolve(), None, format_of("", format_name, rows), part_records)
