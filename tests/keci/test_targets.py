import os
from pathlib import Path

import pytest

from keci.errors import UsageError
from keci.targets import check_folder, check_output, check_targets
from tests.cli.extraction import standard_input


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


def test_files_deep_in_a_folder_and_standard_input_are_read(source: Path, tmp_path: Path) -> None:
    deep = tmp_path / "bundle" / "int8" / "graph"
    deep.parent.mkdir(parents=True)
    os.link(source, deep)
    with pytest.raises(UsageError, match="which is read"):
        check_targets([source], [tmp_path / "bundle"])
    with standard_input(source), pytest.raises(UsageError, match="standard input, which is read"):
        check_output(str(source), ["-"])
    check_output(str(tmp_path / "out"), ["-", source])


def test_what_is_read_lies_in_no_folder_that_is_written(source: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    for folder, read in ((tmp_path, source), (tmp_path / "link", source), (tmp_path, tmp_path)):
        with pytest.raises(UsageError, match="lies in"):
            check_folder(folder, [read])
    check_folder(tmp_path / "run", [source, tmp_path, "biomedical"])


def test_what_is_written_under_another_name_first_is_checked_too(source: Path) -> None:
    partial = source.with_name("out.partial")
    os.link(source, partial)
    with pytest.raises(UsageError, match="which is read"):
        check_output(str(source.with_name("out")), [source])


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
