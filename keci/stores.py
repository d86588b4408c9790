"""Files beyond this machine's disks, named by URL: s3://, gs://, abfs://, hdfs:// and the like.

fsspec reaches them; it and a store's driver are imported at the first use of a URL. What each store
guarantees is in docs/decisions/storage.md.
"""

import glob
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from keci.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_BUFFER = 1 << 20
_PARTIAL = ".partial"
_OF_THIS_MACHINE = frozenset(["file", "local"])
_STAMPS = ("ETag", "etag", "content_md5", "mtime", "last_modified", "LastModified", "updated")
_PUTS_ARE_ATOMIC = frozenset(["s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "memory"])
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "abfs": "azure", "abfss": "azure",
           "az": "azure", "hdfs": "parquet"}  # fmt: skip


def is_url(path: str) -> bool:
    """Whether a path names a store.

    >>> is_url("s3://bucket/in.jsonl"), is_url("in.jsonl")
    (True, False)
    """
    return bool(_URL.match(path))


def canonical_url(url: str) -> str:
    """The same for all spellings of a URL; raises OSError, or UsageError without a driver."""
    files, path = _opened(url)
    return str(files.unstrip_protocol(path))


def local_path(url: str) -> Path | None:
    """The file of this machine that a URL names, if it is one."""
    return Path(_opened(url)[1]) if _scheme(url) in _OF_THIS_MACHINE else None


def state_of(url: str) -> tuple[int, str]:
    """Size in bytes of a file, and what changes when its content does.

    Raises OSError where there is no file, or the store cannot be asked.
    """
    files, path = _opened(url)
    with _as_os_errors(url):
        files.invalidate_cache()
        found = files.info(path)
        if found["type"] != "file":
            raise FileNotFoundError(f"{url} is no file")
    stamp = next((found[name] for name in _STAMPS if found.get(name) is not None), "")
    return int(found["size"]), str(stamp)


def open_url(url: str) -> io.BufferedReader:
    """A file's content; raises OSError where it cannot be opened or read."""
    files, path = _opened(url)
    with _as_os_errors(url):
        return io.BufferedReader(_StoredFile(files.open(path, "rb"), url), _BUFFER)


def expand_url(url: str) -> list[str]:
    """The file itself, those that match a pattern, or all in a folder to the bottom, sorted.

    Hidden ones are passed over. A file that does not exist is given back as it is. Raises OSError
    where the store cannot be asked.
    """
    files, path = _opened(url)
    with _as_os_errors(url):
        if glob.has_magic(url) and not files.exists(path):
            return sorted(map(files.unstrip_protocol, files.glob(path)))
        if not files.isdir(path):
            return [url]
        found = sorted(files.find(path))
    inside = [name.removeprefix(path.rstrip("/")) for name in found]
    return [
        files.unstrip_protocol(name)
        for name, rest in zip(found, inside, strict=True)
        if "/." not in rest
    ]


@dataclass(frozen=True, slots=True)
class Store:
    """A folder in a store, by its URL; every failure is an OSError."""

    url: str

    def url_of(self, name: str) -> str:
        return f"{self.url.rstrip('/')}/{name}"

    def put(self, path: Path, name: str) -> None:
        """Store a file whole under ``name``: readers see the old one or the new, never a part.

        Where uploads do not appear at once when they are whole, it is uploaded as ``NAME.partial``
        and renamed; for a moment there may be neither file then.
        """
        url = self.url_of(name)
        files, target = _opened(url)
        with _as_os_errors(url):
            if _scheme(url) in _PUTS_ARE_ATOMIC:
                files.put_file(str(path), target)
            else:
                self._put_and_rename(files, path, target)
        size = path.stat().st_size
        if (stored := state_of(url)[0]) != size:
            raise OSError(f"{url} has {stored} bytes where {size} were stored")

    def _put_and_rename(self, files: Any, path: Path, target: str) -> None:
        files.makedirs(target.rpartition("/")[0], exist_ok=True)
        files.put_file(str(path), f"{target}{_PARTIAL}")
        if files.exists(target):
            files.rm_file(target)
        files.mv(f"{target}{_PARTIAL}", target)

    def get(self, name: str, path: Path) -> None:
        """Copy a file from the store to ``path``."""
        with open_url(self.url_of(name)) as content, path.open("wb") as copy:
            while chunk := content.read(_BUFFER):
                copy.write(chunk)

    def size(self, name: str) -> int | None:
        """Bytes of a file, None where there is none."""
        try:
            return state_of(self.url_of(name))[0]
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        if self.size(name) is None:
            return
        files, path = _opened(self.url_of(name))
        with _as_os_errors(self.url):
            files.rm_file(path)

    def names(self) -> list[str]:
        """The names of all files and folders in it."""
        files, path = _opened(self.url)
        with _as_os_errors(self.url):
            files.invalidate_cache()
            if not files.exists(path):
                return []
            found = [name.rstrip("/").rpartition("/")[2] for name in files.ls(path, detail=False)]
            own = path.rstrip("/").rpartition("/")[2]
            return sorted(name for name in found if name and name != own)


class _StoredFile(io.RawIOBase):
    """A file of fsspec, whose every error is an OSError."""

    def __init__(self, file: BinaryIO, url: str) -> None:
        self._file, self._url = file, url

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer).cast("B")
        with _as_os_errors(self._url):
            chunk = self._file.read(len(view))
        view[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._file.close()


def _scheme(url: str) -> str:
    return url.partition("://")[0].lower()


def _opened(url: str) -> tuple[Any, str]:
    """The file system of a URL and the path in it; raises UsageError where there is no driver."""
    import fsspec

    scheme = _scheme(url)
    try:
        with _as_os_errors(url):
            files, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        extra = f"; pip install 'keci[{_EXTRAS[scheme]}]'" if scheme in _EXTRAS else ""
        raise UsageError(f"{url} cannot be reached: {error}{extra}") from error
    except ValueError as error:
        raise UsageError(f"{url} names no store that fsspec knows: {error}") from error
    return files, str(path)


@contextmanager
def _as_os_errors(url: str) -> Iterator[None]:
    """Drivers raise what their libraries raise; a run knows OSError."""
    try:
        yield
    except (OSError, ImportError, ValueError):
        raise
    except Exception as error:
        raise OSError(f"{url}: {type(error).__name__}: {error}") from error
