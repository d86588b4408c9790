"""A table of vectors trained on the relations of a knowledge base."""

import hashlib
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from keci.errors import DataError
from keci.knowledge.embedding import EmbeddingSettings
from keci.knowledge.embedding_state import EmbeddingState
from keci.knowledge.embedding_training import EmbeddingTraining, Report
from keci.knowledge.store import KnowledgeBase
from keci.knowledge.vector_folder import NewTable, TableManifest, work_folder, write_table
from keci.knowledge.vectors import HAS_TYPE, RELATED, TripleGraph

KIND = "relations"


def embed_relations(
    folder: Path,
    base: KnowledgeBase,
    settings: EmbeddingSettings,
    *,
    name: str,
    report: Report,
    device: str = "cpu",
    save_seconds: float = 60.0,
) -> TableManifest:
    """Train vectors on the triples of ``base``, which lies in ``folder``, and write their table.

    An interrupted call, repeated, goes on where it last saved, to the same vectors. Raises
    UsageError where an unfinished one has other settings, DataError where there is no triple.
    """
    graph = TripleGraph(base, settings)
    if not graph.batches_per_epoch():
        raise DataError(f"the knowledge base {base.name!r} has no triples to train on")
    work = work_folder(folder, name)
    state = EmbeddingState(work, {**asdict(settings), "knowledge_base": base.fingerprint})
    training = EmbeddingTraining(
        graph, settings, state, device=torch.device(device), save_seconds=save_seconds
    )
    training.run(report)
    report("ranking held-out triples", 0, 1)
    rankings = {
        "tails_of_relations": training.rank_tails(RELATED).to_record(),
        "heads_of_relations": training.rank_heads(RELATED).to_record(),
        "types_of_concepts": training.rank_tails(HAS_TYPE).to_record(),
    }
    vectors = training.nodes.values.cpu().numpy()
    made = {**asdict(settings), "triples": graph.known.num_edges(), "held_out_ranking": rankings}
    manifest = _write(folder, base, vectors, name=name, made=made)
    shutil.rmtree(work, ignore_errors=True)
    report("ranking held-out triples", 1, 1)
    return manifest


def _write(
    folder: Path,
    base: KnowledgeBase,
    vectors: np.ndarray[Any, np.dtype[np.float32]],
    *,
    name: str,
    made: dict[str, Any],
) -> TableManifest:
    """Write node vectors (concepts + types, width), scaled to a unit root mean square."""
    scale = 1.0 / float(np.sqrt(np.square(vectors, dtype=np.float64).mean()))
    halves = (vectors * np.float32(scale)).astype(np.float16)
    rows = np.arange(len(halves), dtype=np.int32)
    table = NewTable(halves, rows[: len(base)], rows[len(base) :])
    manifest = TableManifest(
        name=name,
        kind=KIND,
        knowledge_base=base.fingerprint,
        space=f"{made['method']}:{hashlib.sha256(halves.tobytes()).hexdigest()}",
        width=halves.shape[1],
        counts=table.counts(),
        made={**made, "scale": scale},
    )
    write_table(folder, table, manifest)
    return manifest
