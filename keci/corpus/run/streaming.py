"""Extractions written as they come, to standard output or a pipe: nothing to resume."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

from keci.corpus.quarantine import Quarantine
from keci.corpus.records import Chunk, Result, Withdrawal
from keci.documents import Extraction, Failure
from keci.errors import UsageError
from keci.formats.write import Format

STDOUT = "-"


class StreamOutput:
    """Writes chunks to one stream, each flushed; failures go to a quarantine.

    ``written`` is the number of extractions, ``withdrawn`` that of records taken back by the
    corpus; ``is_complete`` says that nothing stopped the run.
    """

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
        with self._open() as file, self._quarantine:
            self.form.write(self._extractions(chunks, file, stop=stop, watch=watch), file)
            file.flush()

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
