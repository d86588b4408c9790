"""Runs from a store into a store: memory:// stands for those that fsspec reaches."""

import signal
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from keci.corpus.metrics import Meter
from keci.stores import Store
from tests.cli.extraction import contents, run

pytestmark = pytest.mark.usefixtures("_as_before", "_small_chunks")
OUTPUT = "memory://bucket/entities"


@pytest.fixture
def memory(corpus: Path) -> Iterator[fsspec.AbstractFileSystem]:
    """A store with the corpus under the name that it has on the disk, and nothing else."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    files.pipe("/bucket/in/in.jsonl", corpus.read_bytes())
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


@pytest.fixture
def options(model: tuple[str, ...], tmp_path: Path) -> tuple[str, ...]:
    return ("--part-records", "5", "--work-dir", str(tmp_path / "work"), *model)


def stored(files: fsspec.AbstractFileSystem, folder: str = "/bucket/entities") -> dict[str, bytes]:
    return {name.rpartition("/")[2]: files.cat(name) for name in files.find(folder)}


def without_manifest(found: dict[str, bytes]) -> dict[str, bytes]:
    """The manifest and the failures name the input; they differ in that alone."""
    return {name: content for name, content in found.items() if name.startswith("part-")}


def test_a_run_in_a_store_is_a_local_one(
    memory: fsspec.AbstractFileSystem, corpus: Path, options: tuple[str, ...], tmp_path: Path
) -> None:
    assert run(corpus, "--output-dir", tmp_path / "local", *options).exit_code == 1
    assert run(corpus, "--output-dir", OUTPUT, *options).exit_code == 1
    assert stored(memory) == contents(tmp_path / "local")
    result = run("memory://bucket/in", "--output-dir", OUTPUT, "--overwrite", *options)
    assert result.exit_code == 1
    assert f"see {OUTPUT}/failures.jsonl" in result.stderr
    assert without_manifest(stored(memory)) == without_manifest(contents(tmp_path / "local"))
    assert b"in/in.jsonl" in stored(memory)["failures.jsonl"]


@pytest.mark.parametrize("form", ["jsonl", "jsonl.zst"])
def test_killed_and_resumed_it_is_the_same(
    memory: fsspec.AbstractFileSystem,
    corpus: Path,
    options: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    given = ("--output-format", form, *options)
    run("memory://bucket/in/in.jsonl", "--output-dir", "memory://bucket/whole", *given)
    whole = stored(memory, "/bucket/whole")
    assert "manifest.json" in whole
    target = ("memory://bucket/in/in.jsonl", "--output-dir", OUTPUT, *given)
    with monkeypatch.context() as patch:
        _interrupt_after(3, patch)
        assert run(*target, "--resume").exit_code == 128 + signal.SIGTERM
    assert "manifest.json" not in stored(memory)
    assert "part-00001." + form in stored(memory)
    assert run(*target, "--resume").exit_code == 1
    assert stored(memory) == whole
    assert "finished already" in run(*target, "--resume").stderr


@pytest.mark.parametrize("failing", range(5))
@pytest.mark.parametrize("is_stored", [False, True])
def test_a_store_that_fails_loses_nothing(
    memory: fsspec.AbstractFileSystem,
    options: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    failing: int,
    is_stored: bool,
) -> None:
    """Death before or after the file is in the store, at every file of the run."""
    run("memory://bucket/in/in.jsonl", "--output-dir", "memory://bucket/whole", *options)
    whole = stored(memory, "/bucket/whole")
    assert "manifest.json" in whole
    target = ("memory://bucket/in/in.jsonl", "--output-dir", OUTPUT, *options)
    put, names = Store.put, []

    def put_or_fail(self: Store, path: Path, name: str) -> None:
        names.append(name)
        if len(names) == failing + 1:
            if is_stored:
                put(self, path, name)
            raise OSError("connection reset")
        put(self, path, name)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "put", put_or_fail)
        result = run(*target)
    if len(names) <= failing:
        assert stored(memory) == whole
        return
    assert result.exit_code == 2
    assert "connection reset" in result.stderr
    assert run(*target, "--resume").exit_code == 1
    assert stored(memory) == whole


def test_one_file(
    memory: fsspec.AbstractFileSystem, corpus: Path, options: tuple[str, ...], tmp_path: Path
) -> None:
    given = options[2:]
    assert run(corpus, "-o", tmp_path / "out.jsonl.gz", *given).exit_code == 1
    for extra in ((), (), ("--resume",)):
        assert run(corpus, "-o", f"{OUTPUT}/out.jsonl.gz", *given, *extra).exit_code == 1
        local = {name: found for name, found in _beside(tmp_path).items() if "out." in name}
        assert stored(memory) == local


def test_what_is_in_the_way(
    memory: fsspec.AbstractFileSystem, options: tuple[str, ...], tmp_path: Path
) -> None:
    target = ("memory://bucket/in/in.jsonl", "--output-dir", OUTPUT, *options)
    assert run(*target).exit_code == 1
    whole = stored(memory)
    assert "holds the output of a run" in run(*target).stderr
    elsewhere = [str(tmp_path / "other") if item.endswith("/work") else item for item in target]
    assert "finished already" in run(*elsewhere, "--resume").stderr
    memory.rm("/bucket/entities/manifest.json")
    assert "knows nothing of it" in run(*elsewhere, "--resume").stderr
    assert run(*elsewhere, "--overwrite").exit_code == 1
    assert stored(memory) == whole
    memory.pipe("/bucket/entities/notes.txt", b"")
    assert "holds another's: notes.txt" in run(*target, "--overwrite").stderr
    inside = run("memory://bucket/in/in.jsonl", "--output-dir", "memory://bucket/in", *options)
    assert "lies where the output goes" in inside.stderr
    assert "cannot be read" in run("memory://bucket/absent", *options).stderr


def test_a_part_that_is_gone_is_told(
    memory: fsspec.AbstractFileSystem, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = ("memory://bucket/in/in.jsonl", "--output-dir", OUTPUT, *options)
    with monkeypatch.context() as patch:
        _interrupt_after(3, patch)
        run(*target)
    memory.rm("/bucket/entities/part-00001.jsonl")
    result = run(*target, "--resume")
    assert result.exit_code == 2
    assert "part-00001.jsonl is missing where the journal knows of" in result.stderr


def _beside(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def _interrupt_after(chunks: int, patch: pytest.MonkeyPatch) -> None:
    add = Meter.add

    def interrupting(self: Meter, chunk: object) -> None:
        add(self, chunk)  # type: ignore[arg-type]  # passed on
        nonlocal chunks
        chunks -= 1
        if not chunks:
            signal.raise_signal(signal.SIGTERM)

    patch.setattr(Meter, "add", interrupting)
