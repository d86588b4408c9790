import subprocess
import sys
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


DYING = """
import os, sys
from pathlib import Path
from keci.files import whole_folder

left = int(sys.argv[2])
CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod")

def die(event, arguments):
    global left
    if event in CHANGES:
        left -= 1
        if left < 0:
            os._exit(9)

sys.addaudithook(die)
with whole_folder(Path(sys.argv[1])) as partial:
    for name in ("a", "b"):
        (partial / name).write_text("new")
"""


def state(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_death_at_any_moment_leaves_the_old_folder_or_the_new_one(tmp_path: Path) -> None:
    seen = []
    for changes in range(30):
        place = tmp_path / str(changes)
        target = place / "target"
        target.mkdir(parents=True)
        for name in ("a", "b"):
            (target / name).write_text("old")
        line = [sys.executable, "-c", DYING, str(target), str(changes)]
        code = subprocess.run(line, check=False).returncode
        kept = target if target.exists() else next(place.glob(".target-old-*/target"))
        (content,) = set(state(kept).values())
        assert set(state(kept)) == {"a", "b"}
        seen.append(content)
        if code == 0:
            break
    assert seen == sorted(seen, reverse=True), "first the old one, then the new one"
    assert set(seen) == {"old", "new"}
    assert list(place.iterdir()) == [target]
