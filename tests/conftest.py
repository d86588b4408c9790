"""Folders that several test modules read, made once for a whole run of the suite."""

import functools
import gc
import logging
import os
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

# A busy machine must not fail a property test.
settings.register_profile("keci", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("keci")

# Tiny tensors gain nothing from more threads, and lose much on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")


LONGEST = (
    "export/test_exporter.py",
    "keci/runtime/test_extractor.py",
    "keci/corpus/run/test_output.py",
    "keci/training/test_trainer.py",
    "cli/train/test_train.py",
    "cli/extract/test_ray.py",
    "keci/training/test_crossval.py",
    "keci/training/test_teachers.py",
    "cli/test_commands.py",
    "test_packaging.py",
    "cli/extract/test_workers.py",
    "keci/training/test_run.py",
    "keci/corpus/workers/test_frames.py",
    "keci/knowledge/vectors/test_embedding_relations.py",
    "keci/knowledge/linking/test_hostile_texts.py",
)
"""Files of 10 s and more; those that export bundles come first, so that nobody waits for them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first, so that the processes of pytest-xdist end together."""
    turns = {f"tests/{name}": turn for turn, name in enumerate(LONGEST)}
    items.sort(key=lambda item: turns.get(item.nodeid.partition("::")[0], len(LONGEST)))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Nothing that is imported and collected is garbage: looking for cycles there took 10 s."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names a case of bytes by its argument and number, never by the bytes.

    Bytes can differ from one process to the next (gzip writes the time into its header), and the
    processes of pytest-xdist must collect the same names.
    """
    return argname if isinstance(val, bytes) else None


@pytest.fixture
def _as_before() -> Iterator[None]:
    """Commands set up logging and threads for their process; undo it."""
    root, own = logging.getLogger(), logging.getLogger("keci")
    handlers, level, own_level = root.handlers[:], root.level, own.level
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else int(os.environ["OMP_NUM_THREADS"])
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    own.setLevel(own_level)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


Make = Callable[[Path], object]
MadeOnce = Callable[[str, Make], Path]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """Gives the folder of a name, which the first process of the suite that wants it makes.

    The processes of pytest-xdist share a parent of their own folders.
    """
    root = tmp_path_factory.getbasetemp()
    shared = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "made-once"

    def folder(name: str, make: Make) -> Path:
        path, done = shared / name, shared / f"{name}.done"
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                make(path)
                done.touch()
        return path

    return folder


@pytest.fixture(scope="session")
def tiny_run(made_once: MadeOnce) -> Path:
    pytest.importorskip("transformers")
    from tests.tiny_run import write_tiny_run

    return made_once("runs/tiny", write_tiny_run)


@pytest.fixture(scope="session")
def tiny_bundle(made_once: MadeOnce, tiny_run: Path, _one_registry: None) -> Path:
    return _exported(made_once, tiny_run)


@pytest.fixture(scope="session")
def token_run(made_once: MadeOnce) -> Path:
    """A run whose concepts enter the token states (knowbert-attention)."""
    pytest.importorskip("transformers")
    from tests.tiny_run import TOKEN_CONFIG, write_tiny_run

    return made_once(
        "runs/tokens", lambda folder: write_tiny_run(folder, TOKEN_CONFIG, all_differ=True)
    )


@pytest.fixture(scope="session")
def token_bundle(made_once: MadeOnce, token_run: Path, _one_registry: None) -> Path:
    return _exported(made_once, token_run)


@pytest.fixture(scope="session")
def wider_run(made_once: MadeOnce) -> Path:
    """A run that reads more of a pair than the tiny one, its vectors all different."""
    pytest.importorskip("transformers")
    from tests.tiny_run import WIDER_CONFIG, write_tiny_run

    return made_once(
        "runs/wider", lambda folder: write_tiny_run(folder, WIDER_CONFIG, all_differ=True)
    )


@pytest.fixture(scope="session")
def wider_bundle(made_once: MadeOnce, wider_run: Path, _one_registry: None) -> Path:
    return _exported(made_once, wider_run)


@pytest.fixture(scope="session")
def _one_registry() -> Iterator[None]:
    """torch reads its registry of operators once, not for each stage: a quarter of an export."""
    pytest.importorskip("onnxscript")
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    read_once = staticmethod(functools.cache(ONNXRegistry.from_torchlib))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ONNXRegistry, "from_torchlib", read_once)
        yield


def _exported(made_once: MadeOnce, run: Path) -> Path:
    pytest.importorskip("onnxscript")
    from keci.export.exporter import export_run

    return made_once(
        f"bundles/{run.name}", lambda folder: export_run(run, folder, ("fp32", "int8"))
    )


@pytest.fixture(scope="session")
def tiny_kb_folder(made_once: MadeOnce) -> Path:
    from tests.tiny_run import write_tiny_knowledge_base

    return made_once("kb/tiny", write_tiny_knowledge_base)
