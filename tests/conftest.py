"""Folders that several test modules read, made once for a whole run of the suite."""

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine must not fail a property test.
settings.register_profile("keci", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("keci")

# Tiny tensors gain nothing from more threads, and lose much on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")


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


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("transformers")
    from tests.tiny_run import write_tiny_run

    return write_tiny_run(tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture(scope="session")
def tiny_bundle(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnxscript")
    from keci.export.exporter import export_run

    bundle = tmp_path_factory.mktemp("bundles") / "tiny"
    export_run(tiny_run, bundle, ("fp32", "int8"))
    return bundle


@pytest.fixture(scope="session")
def tiny_kb_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.tiny_run import write_tiny_knowledge_base

    folder = tmp_path_factory.mktemp("kb") / "tiny"
    write_tiny_knowledge_base(folder)
    return folder
