import os
from pathlib import Path

import pytest

from keci.errors import UsageError
from keci.targets import check_targets


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in"
    path.write_text("text")
    return path


@pytest.mark.parametrize("link", [os.link, None])
def test_a_file_that_is_read_is_no_target(source: Path, tmp_path: Path, link: object) -> None:
    target = tmp_path / "other"
    if link:
        os.link(source, target)
    else:
        target = tmp_path / "x" / ".." / "in"
        (tmp_path / "x").mkdir()
    for read in (source, tmp_path):
        with pytest.raises(UsageError, match="which is read"):
            check_targets([target], [read])
    assert source.read_text() == "text"


def test_links_pipes_and_folders_are_in_the_way(source: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(source)
    (tmp_path / "dangling").symlink_to(tmp_path / "absent")
    os.mkfifo(tmp_path / "pipe")
    for name, what in (
        ("link", "symbolic link"), ("dangling", "symbolic link"), ("pipe", "pipe or device"),
        (".", "folder"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=f"a {what} is in the way"):
            check_targets([tmp_path / name], [])


def test_what_cannot_be_made_is_found_before(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        check_targets([tmp_path / "absent" / "x"], [])
    with pytest.raises(UsageError, match="too long"):
        check_targets([tmp_path / ("x" * 256)], [])
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="Not a directory"):
        check_targets([tmp_path / "file" / "x"], [])


def test_two_outputs_are_two_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two outputs"):
        check_targets([tmp_path / "x", tmp_path / "x"], [])
    (tmp_path / "a").touch()
    os.link(tmp_path / "a", tmp_path / "b")
    with pytest.raises(UsageError, match="two outputs"):
        check_targets([tmp_path / "a", tmp_path / "b"], [])
    check_targets([tmp_path / "c", tmp_path / "d"], [tmp_path / "a"])
