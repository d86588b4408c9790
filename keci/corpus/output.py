"""Output files that appear under their name only when they are whole."""

import gzip
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

from keci.errors import UsageError

STDOUT = "-"
GZIP_LEVEL = 6


class OutputFile:
    """A byte output; a regular file is written as ``NAME.partial`` and renamed by ``close``.

    ``-`` is standard output. A pipe or device is written to directly. A name ending in ``.gz`` is
    compressed, without a time stamp, so that equal content gives equal bytes. Leaving the context
    by an exception keeps what was written under the partial name. Raises UsageError where the
    output cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._target = Path(os.path.realpath(path))
        self.is_regular = path != STDOUT and (self._target.is_file() or not self._target.exists())
        self.partial_path = self._target.with_name(f"{self._target.name}.partial")
        self._file = self._open()
        self._content = self._file
        if path.endswith(".gz"):
            compressed = gzip.GzipFile("", "wb", GZIP_LEVEL, self._file, mtime=0)
            self._content = cast(BinaryIO, compressed)

    def _open(self) -> BinaryIO:
        if self.path == STDOUT:
            return sys.stdout.buffer
        try:
            return (self.partial_path if self.is_regular else self._target).open("wb")
        except OSError as error:
            raise UsageError(f"cannot write to {self.path}: {error.strerror or error}") from error

    def write(self, content: bytes) -> None:
        self._content.write(content)

    def flush(self) -> None:
        self._content.flush()

    def close(self) -> None:
        """Finish the output and put it in place; a regular file then survives a power cut."""
        self._finish()
        if self.is_regular:
            self.partial_path.replace(self._target)
            _sync(self._target.parent)

    def abandon(self) -> None:
        """Finish the output but leave it under its partial name."""
        self._finish()

    def _finish(self) -> None:
        if self._content is not self._file:
            self._content.close()
        self._file.flush()
        if self.is_regular:
            os.fsync(self._file.fileno())
        if self.path != STDOUT:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


def _sync(folder: Path) -> None:
    """Make a rename in the folder durable, if it can be opened.

    A Disk insists on that; here the file is in place, and a folder without leave to read is one.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
