"""Folders that several test modules read, made once for a whole run of the suite."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine must not fail a property test.
settings.register_profile("keci", deadline=None)
settings.load_profile("keci")

# Tiny tensors gain nothing from more threads, and lose much on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")


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
