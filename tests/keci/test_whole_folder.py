from pathlib import Path

import pytest

from keci.files import whole_folder


def test_a_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "target"
    for name in ("first", "second"):
        with whole_folder(target) as partial:
            (partial / name).write_text(name)
    assert [path.name for path in target.iterdir()] == ["second"]
    assert list(target.parent.iterdir()) == [target]


def interrupt(target: Path) -> None:
    with whole_folder(target) as partial:
        (partial / "half").write_text("half")
        raise KeyboardInterrupt


def test_a_failure_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "target"
    with whole_folder(target) as partial:
        (partial / "kept").write_text("kept")
    with pytest.raises(KeyboardInterrupt):
        interrupt(target)
    assert [path.name for path in target.iterdir()] == ["kept"]
    assert list(tmp_path.iterdir()) == [target]
