"""Training of concept and type vectors by link prediction over a graph of triples."""

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from keci.errors import DataError, UsageError
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.vectors.folder import NewTable, TableManifest, work_folder, write_table
from keci.knowledge.vectors.scorers import (
    Ranking,
    RowTable,
    rank_answers,
    scorer_for,
)
from keci.knowledge.vectors.settings import EmbeddingSettings
from keci.knowledge.vectors.triples import HAS_TYPE, RELATED, Family, TripleBatch, TripleGraph

_FILE = "state.json"


@dataclass(frozen=True, slots=True)
class Progress:
    """The next batch: its epoch and its number in the epoch, from 0."""

    epoch: int = 0
    batch: int = 0


class EmbeddingState:
    """The unfinished training of one table in its own folder.

    The tensors lie in a file named after the progress; state.json, renamed into place last, names
    it, so that a death at any moment leaves a state that fits together.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """``settings`` are all that decides the outcome; a state of others is not gone on with."""
        self.folder = folder
        self.settings = dict(settings)

    def load(self) -> tuple[Progress, dict[str, Tensor]] | None:
        """Progress and tensors, None at the beginning.

        Raises UsageError where the state has other settings, DataError where it is damaged.
        """
        path = self.folder / _FILE
        if not path.exists():
            return None
        try:
            record = orjson.loads(path.read_bytes())
            if record["settings"] != self.settings:
                raise UsageError(
                    f"{self.folder} holds an unfinished training with other settings: "
                    f"{record['settings']}; finish it with those, or start anew with --restart"
                )
            progress = Progress(**record["progress"])
            return progress, load_file(self._tensors(progress))
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            message = f"{self.folder} cannot be gone on with ({error}); start anew with --restart"
            raise DataError(message) from error

    def save(self, progress: Progress, tensors: Mapping[str, Tensor]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._tensors(progress)
        save_file({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, path)
        partial = self.folder / f"{_FILE}.partial"
        position = {"epoch": progress.epoch, "batch": progress.batch}
        partial.write_text(json.dumps({"settings": self.settings, "progress": position}), "utf-8")
        partial.replace(self.folder / _FILE)
        for old in self.folder.glob("*.safetensors"):
            if old != path:
                old.unlink()

    def _tensors(self, progress: Progress) -> Path:
        return self.folder / f"{progress.epoch}-{progress.batch}.safetensors"


Report = Callable[[str, int, int], None]
"""Called with what is being done, and how many of how many steps are."""

_log = logging.getLogger(__name__)


class EmbeddingTraining:
    """Vectors of a graph's nodes and relations, and the steps that train them."""

    def __init__(
        self,
        graph: TripleGraph,
        settings: EmbeddingSettings,
        state: EmbeddingState,
        *,
        device: torch.device,
        save_seconds: float = 60.0,
    ) -> None:
        """Go on where ``state`` was left, or start anew; it is saved every ``save_seconds``."""
        self.graph = graph
        self.settings = settings
        self.state = state
        self.device = device
        self.save_seconds = save_seconds
        self.scorer = scorer_for(settings.method)
        loaded = state.load()
        self.start, tensors = loaded or (Progress(), _first_tensors(graph, settings))
        placed = {name: tensor.to(device) for name, tensor in tensors.items()}
        self.nodes = RowTable(placed["nodes"], placed["node_squares"])
        self.relations = RowTable(placed["relations"], placed["relation_squares"])

    def run(self, report: Report) -> None:
        """Train until the last epoch is done."""
        per_epoch = self.graph.batches_per_epoch()
        total = per_epoch * self.settings.epochs
        saved = time.monotonic()
        for epoch in range(self.start.epoch, self.settings.epochs):
            first = self.start.batch if epoch == self.start.epoch else 0
            losses = torch.zeros((), device=self.device)
            for number, batch in enumerate(self.graph.batches(epoch, start=first), start=first):
                done = epoch * per_epoch + number
                losses += self._step(batch.to(self.device), remaining=1 - done / total)
                report(f"epoch {epoch + 1} of {self.settings.epochs}", done + 1, total)
                if time.monotonic() - saved > self.save_seconds:
                    self._save(Progress(epoch, number + 1))
                    saved = time.monotonic()
            _log.info("epoch %d: loss %.4f", epoch + 1, losses.item() / max(1, per_epoch - first))
        self._save(Progress(self.settings.epochs, 0))

    def rank_tails(self, family: Family) -> Ranking:
        """The ranking of the held-out triples' tails among all nodes of their kind."""
        heads, relations, tails = self.graph.triples(family, self.graph.held_out[family])
        pairs = zip(heads.tolist(), relations.tolist(), strict=True)
        known = [self.graph.known_tails(family, *pair) for pair in pairs]
        vectors = self.nodes.values[heads], self.relations.values[relations]
        return self._rank(self.scorer.tail_query(*vectors), tails, family[2], known)

    def rank_heads(self, family: Family) -> Ranking:
        """The ranking of the held-out triples' heads among all nodes of their kind."""
        heads, relations, tails = self.graph.triples(family, self.graph.held_out[family])
        pairs = zip(tails.tolist(), relations.tolist(), strict=True)
        known = [self.graph.known_heads(family, *pair) for pair in pairs]
        vectors = self.nodes.values[tails], self.relations.values[relations]
        return self._rank(self.scorer.head_query(*vectors), heads, family[0], known)

    def _rank(self, queries: Tensor, answers: Tensor, kind: str, known: list[Tensor]) -> Ranking:
        start, end = self.graph.nodes_of(kind)
        ranks = rank_answers(
            queries,
            answers - start,
            self.nodes.values[start:end],
            score=self.scorer.matrix,
            known=(nodes - start for nodes in known),
        )
        return Ranking.of(ranks)

    def _step(self, batch: TripleBatch, *, remaining: float) -> Tensor:
        """One step on the cross-entropy of the true ends among the false ones; returns the loss."""
        ends = (batch.heads, batch.tails, batch.head_candidates, batch.tail_candidates)
        flat = torch.cat([end.flatten() for end in ends])
        rows, indices = torch.unique(flat, return_inverse=True)
        kinds, kind_indices = torch.unique(batch.relations, return_inverse=True)
        nodes, relations = self.nodes.read(rows), self.relations.read(kinds)
        vectors = torch.split(functional.embedding(indices, nodes), [end.numel() for end in ends])
        heads, tails, false_heads, false_tails = (
            vector.view(*end.shape, -1) for vector, end in zip(vectors, ends, strict=True)
        )
        relation = functional.embedding(kind_indices, relations)
        tail_query = self.scorer.tail_query(heads, relation)
        head_query = self.scorer.head_query(tails, relation)
        loss = self._loss(tail_query, tails, false_tails, batch.tail_mask)
        loss = loss + self._loss(head_query, heads, false_heads, batch.head_mask)
        loss.backward()  # type: ignore[no-untyped-call]  # of torch
        rate = self.settings.learning_rate * remaining
        self.nodes.update(rows, nodes, learning_rate=rate)
        self.relations.update(kinds, relations, learning_rate=rate)
        return loss.detach() / batch.heads.numel()

    def _loss(self, queries: Tensor, answers: Tensor, false: Tensor, mask: Tensor) -> Tensor:
        right = self.scorer.pairs(queries, answers)[..., None]
        wrong = self.scorer.matrix(queries, false).masked_fill(mask, -torch.inf)
        return -torch.cat((right, wrong), -1).log_softmax(-1)[..., 0].sum()

    def _save(self, progress: Progress) -> None:
        tensors = {
            "nodes": self.nodes.values,
            "node_squares": self.nodes.squares,
            "relations": self.relations.values,
            "relation_squares": self.relations.squares,
        }
        self.state.save(progress, tensors)


def _first_tensors(graph: TripleGraph, settings: EmbeddingSettings) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(settings.seed)
    nodes = RowTable.random(graph.node_count, settings.width, generator)
    relations = RowTable.random(graph.relation_count, settings.width, generator)
    return {
        "nodes": nodes.values,
        "node_squares": nodes.squares,
        "relations": relations.values,
        "relation_squares": relations.squares,
    }


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
