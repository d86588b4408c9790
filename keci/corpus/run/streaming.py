"""Extractions written without a manifest, so that there is nothing to resume.

As they come, to standard output or a pipe; or the least certain ones alone, at the end.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import BinaryIO

from keci.certainty import least_certain
from keci.corpus.quarantine import Quarantine
from keci.corpus.records import Chunk, Result, Withdrawal
from keci.documents import Extraction, Failure
from keci.errors import UsageError
from keci.files import whole_file
from keci.formats.write import Format

STDOUT = "-"


class StreamOutput:
    """Writes chunks to one stream, each flushed; failures go to a quarantine.

    ``written`` is the number of extractions, ``withdrawn`` that of records taken back by the
    corpus; ``left_out`` is what was extracted and not wanted; ``is_complete`` says that nothing
    stopped the run.
    """

    left_out = 0

    def __init__(self, path: str, form: Format, quarantine: Quarantine) -> None:
        self.path, self.form, self._quarantine = path, form, quarantine
        self.written = self.withdrawn = 0
        self.is_complete = False

    def written_files(self) -> Iterator[Path]:
        """The regular files that it writes; a pipe or device is none."""
        failures = self._quarantine.path
        for path in (self.path if self.path != STDOUT else None, failures):
            if path and not is_stream(path):
                target = Path(path).resolve()
                yield from (target, target.with_name(f"{target.name}.partial"))

    @property
    def failures_path(self) -> Path | None:
        """The file that the failures go to; None where they go to the log."""
        return Path(self._quarantine.path) if self._quarantine.path else None

    @property
    def failed(self) -> int:
        return self._quarantine.count

    def write(
        self, chunks: Iterable[Chunk], *, stop: Callable[[], bool], watch: Callable[[Chunk], None]
    ) -> None:
        """Write to the end of the chunks or until ``stop``; raises UsageError or OSError."""
        with self._quarantine, suppress(_StoppedError), self._open() as file:
            found = self._extractions(chunks, file, stop=stop, watch=watch)
            self.form.write(self._chosen(found), file)
            file.flush()

    def _chosen(self, extractions: Iterator[Extraction]) -> Iterator[Extraction]:
        return extractions

    def _extractions(
        self,
        chunks: Iterable[Chunk],
        file: BinaryIO,
        *,
        stop: Callable[[], bool],
        watch: Callable[[Chunk], None],
    ) -> Iterator[Extraction]:
        for chunk in chunks:
            yield from self._kept(chunk)
            file.flush()
            watch(chunk)
            if stop():
                return
        self.is_complete = True

    def _kept(self, chunk: Chunk) -> Iterator[Extraction]:
        for result in chunk:
            outcome = _writable(result)
            if isinstance(outcome, Withdrawal):
                self.withdrawn += 1
            elif isinstance(outcome, Failure):
                self._quarantine.add(outcome, result.record.ordinal)
            else:
                self.written += 1
                yield outcome

    def _open(self) -> AbstractContextManager[BinaryIO]:
        if self.path == STDOUT:
            return nullcontext(sys.stdout.buffer)
        try:
            return Path(self.path).open("wb")
        except OSError as error:
            raise UsageError(f"cannot write to {self.path}: {error.strerror or error}") from error


class _StoppedError(Exception):
    """A run was stopped before it had seen all that it chooses from."""


class SampledOutput(StreamOutput):
    """Writes the ``count`` least certain extractions when all are known, that one first.

    No more are in memory. A file appears when it is whole; a run that is stopped writes nothing.
    """

    def __init__(self, path: str, form: Format, quarantine: Quarantine, *, count: int) -> None:
        super().__init__(path, form, quarantine)
        self.count = count

    def _chosen(self, extractions: Iterator[Extraction]) -> Iterator[Extraction]:
        for extraction in least_certain(extractions, self.count):
            if not self.is_complete:
                raise _StoppedError
            yield extraction
        kept = min(self.count, self.written)
        self.left_out, self.written = self.written - kept, kept

    def _open(self) -> AbstractContextManager[BinaryIO]:
        return super()._open() if is_stream(self.path) else whole_file(Path(self.path))


def is_stream(path: str) -> bool:
    """Whether a path is standard output, a pipe or a device, which cannot be written twice."""
    target = Path(path)
    return path == STDOUT or (target.exists() and not target.is_file() and not target.is_dir())


def _writable(result: Result) -> Extraction | Failure | Withdrawal:
    """The outcome, or a failure where it holds characters that UTF-8 has not."""
    outcome = result.outcome
    if isinstance(outcome, Extraction):
        try:
            f"{outcome.id}{outcome.text}".encode()
        except UnicodeEncodeError as error:
            record = result.record
            return Failure(record.source, record.position, outcome.id, str(error))
    return outcome
