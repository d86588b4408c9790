"""A run whose output is in a store: worked out in a local folder, uploaded file by file.

Journal and open part stay in the work folder. A file that is finished there is stored first and
takes its name in the folder afterwards, so what has its name in the folder is in the store. The
manifest is stored last: without it no run in a store is finished.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from platformdirs import user_cache_path

from keci.corpus.run.layout import OWN_NAME, Layout, file_layout, folder_layout
from keci.corpus.run.manifest import FileFacts
from keci.errors import UsageError
from keci.files import Disk
from keci.printable import printable
from keci.stores import Store, is_url

_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")


def store_layout(
    url: str,
    format_name: str | None,
    *,
    part_records: int | None,
    work_folder: Path | None = None,
    rows: str | None = None,
) -> Layout:
    """Numbered parts in the folder ``url``, or with ``part_records`` None the one file ``url``.

    The work is in a folder of ``work_folder`` (a cache of the user if None) that is named by the
    URL. Raises UsageError where the folder cannot be made.
    """
    url = url.rstrip("/")
    work = _work_folder(url, work_folder)
    if part_records is not None:
        layout = folder_layout(work, format_name, part_records, rows)
        return replace(layout, store=Store(url))
    folder, _, name = url.rpartition("/")
    if not is_url(folder):
        raise UsageError(f"cannot write to {printable(url)}: it names no file in a folder")
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot work in {work}: {error.strerror or error}") from error
    return replace(file_layout(work / name, format_name, rows), store=Store(folder))


def _work_folder(url: str, parent: Path | None) -> Path:
    readable = _UNSAFE.sub("-", url)[-60:].strip("-.")
    digest = hashlib.sha256(url.encode()).hexdigest()[:16]
    return (parent or user_cache_path("keci") / "runs") / f"{readable}-{digest}"


class StoreDisk(Disk):
    """A disk that stores what takes the name of a result, and removes it there as well.

    Of parts only the latest stays in the work folder.
    """

    def __init__(self, layout: Layout, store: Store) -> None:
        self._layout, self._store = layout, store

    def replace(self, path: Path, target: Path) -> None:
        if self._layout.is_result(target):
            self._store.put(path, target.name)
            self._drop_parts()
        super().replace(path, target)

    def remove(self, path: Path) -> None:
        if self._layout.is_result(path):
            self._store.remove(path.name)
        super().remove(path)

    def _drop_parts(self) -> None:
        """Whenever a file is finished, the journal knows of all parts before it."""
        for path in self._layout.folder.iterdir():
            if self._layout.is_part(path):
                path.unlink()


def begin_in_store(layout: Layout, store: Store, *, overwrite: bool) -> None:
    """Make the work folder show what the store has, when no run is under way there.

    Raises UsageError where parts of a run are in the way that was begun in another work folder, or
    files of others; with ``overwrite`` the parts are removed, the manifest first.
    """
    for path in layout.folder.iterdir():
        if path != layout.journal:
            path.unlink()
    if layout.file:
        names = [path.name for path in (layout.manifest, layout.failures) if store.size(path.name)]
    else:
        names = store.names()
        _check_names(names, layout, store, overwrite=overwrite)
    if overwrite and not layout.file:
        for name in sorted(names, key=lambda name: (name != layout.manifest.name, name)):
            store.remove(name)
    elif layout.manifest.name in names:
        for path in (layout.manifest, layout.failures, layout.withdrawn):
            if store.size(path.name) is not None:
                store.get(path.name, path)


def _check_names(names: Sequence[str], layout: Layout, store: Store, *, overwrite: bool) -> None:
    for name in names:
        if not OWN_NAME.fullmatch(name):
            raise UsageError(f"the output folder {store.url} holds another's: {name}")
    if names and layout.manifest.name not in names and not overwrite:
        raise UsageError(
            f"{store.url} holds parts of a run that was not finished, and the work folder "
            f"{layout.folder} knows nothing of it: resume it with the --work-dir it was begun "
            "with, or begin again with --overwrite"
        )


def check_stored(parts: Sequence[FileFacts], store: Store) -> None:
    """Raises UsageError unless the store has every part, as long as it was."""
    for part in parts:
        size = store.size(part.name)
        if size != part.bytes:
            found = "is missing" if size is None else f"has {size} bytes"
            raise UsageError(
                f"{store.url_of(part.name)} {found} where the journal knows of {part.bytes}: it "
                "was changed; --overwrite begins the run again"
            )
