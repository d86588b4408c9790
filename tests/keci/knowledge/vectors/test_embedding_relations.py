from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("dgl")

from keci.errors import DataError, UsageError
from keci.knowledge.base.store import knowledge_base_in_memory
from keci.knowledge.vectors.folder import TableManifest, vectors_folder, work_folder
from keci.knowledge.vectors.settings import METHODS, EmbeddingSettings
from keci.knowledge.vectors.table import VectorTable, open_tables
from keci.knowledge.vectors.training import EmbeddingState, Progress, embed_relations
from tests.keci.knowledge.vector_tables import written_base

SETTINGS = EmbeddingSettings(
    width=8, epochs=3, batch_size=16, chunk_size=8, negatives=5, held_out=6
)


class StoppedError(Exception):
    """Stands for whatever ends a process."""


def trained(
    folder: Path, settings: EmbeddingSettings = SETTINGS, *, stop_after: int = 0, name: str = "t"
) -> tuple[TableManifest, VectorTable]:
    """Train on the tiny base, as if killed after ``stop_after`` steps."""
    base = written_base(folder)

    def report(step: str, done: int, total: int) -> None:
        if done == stop_after and step.startswith("epoch"):
            raise StoppedError

    manifest = embed_relations(folder, base, settings, name=name, report=report, save_seconds=0)
    return manifest, open_tables(folder, base, [name])[0]


@pytest.mark.parametrize("method", METHODS)
def test_training_tells_true_triples_from_false_ones(tmp_path: Path, method: str) -> None:
    settings = replace(SETTINGS, method=method, epochs=60)
    manifest, table = trained(tmp_path / "kb", settings)
    rankings = manifest.made["held_out_ranking"]
    assert rankings["types_of_concepts"]["queries"] > 0
    assert rankings["types_of_concepts"]["mrr"] > 0.6
    vectors = table.gather(np.arange(40))
    assert vectors.shape == (40, 8)
    assert np.sqrt(np.square(table.vectors, dtype=np.float64).mean()) == pytest.approx(1, abs=0.01)
    assert not (table.gather_types(np.arange(2)) == 0).any()


@pytest.mark.parametrize("stop_after", [2, 9, 15])
def test_an_interrupted_training_goes_on_to_the_same_vectors(
    tmp_path: Path, stop_after: int
) -> None:
    _, whole = trained(tmp_path / "kb", name="whole")
    with pytest.raises(StoppedError):
        trained(tmp_path / "kb", stop_after=stop_after)
    work = work_folder(tmp_path / "kb", "t")
    assert len(list(work.glob("*.safetensors"))) == 1
    _, resumed = trained(tmp_path / "kb")
    np.testing.assert_array_equal(whole.vectors, resumed.vectors)
    assert not work.exists()


def test_the_same_settings_give_the_same_space_and_another_seed_another(tmp_path: Path) -> None:
    spaces = [
        trained(tmp_path / "kb", replace(SETTINGS, seed=seed), name=name)[1].space
        for seed, name in ((1, "a"), (1, "b"), (2, "c"))
    ]
    assert spaces[0] == spaces[1] != spaces[2]


def test_unfinished_work_with_other_settings_is_not_gone_on_with(tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        trained(tmp_path / "kb", stop_after=3)
    with pytest.raises(UsageError, match="--restart"):
        trained(tmp_path / "kb", replace(SETTINGS, epochs=4))


def test_a_base_without_triples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no triples"):
        embed_relations(
            tmp_path / "kb",
            knowledge_base_in_memory(()),
            SETTINGS,
            name="t",
            report=lambda *_: None,
        )
    assert not vectors_folder(tmp_path / "kb").exists()


def test_a_state_is_whole_or_refused(tmp_path: Path) -> None:
    state = EmbeddingState(tmp_path, asdict(SETTINGS))
    assert state.load() is None
    state.save(Progress(0, 3), {"nodes": torch.ones(2)})
    state.save(Progress(1, 0), {"nodes": torch.zeros(2)})
    loaded = state.load()
    assert loaded is not None
    assert loaded[0] == Progress(1, 0)
    assert loaded[1]["nodes"].tolist() == [0, 0]
    (tmp_path / "1-0.safetensors").write_bytes(b"cut")
    with pytest.raises(DataError, match="--restart"):
        state.load()
