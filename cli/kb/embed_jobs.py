"""The three ways in which keci-kb embed makes vectors."""

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from keci.cli.kb.embed_options import EmbedOptions
from keci.errors import DataError, UsageError
from keci.knowledge.base.folder import default_knowledge_base_path
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.choice import knowledge_base_for
from keci.knowledge.vectors.definitions import KIND, DefinitionSettings, embed_definitions
from keci.knowledge.vectors.folder import (
    TableManifest,
    read_manifest,
    table_folder,
    table_names,
    work_folder,
)
from keci.knowledge.vectors.imported import import_vectors
from keci.knowledge.vectors.settings import EmbeddingSettings

Report = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class EmbeddingJob:
    """The knowledge base, the name of its new vectors, and where the work is done."""

    folder: Path
    base: KnowledgeBase
    name: str
    device: str
    report: Report


def make_vectors(
    kb: Path | None, options: EmbedOptions, training: EmbeddingSettings, report: Report
) -> tuple[EmbeddingJob, TableManifest]:
    """Import vectors, encode definitions or train on relations, as the options say."""
    name = options.name_of(training)
    if options.import_file is not None:
        job = start_job(kb, name, options, report)
        return job, import_vectors(
            job.folder, job.base, options.import_file, name=job.name, report=report
        )
    if options.definitions:
        job = start_job(kb, name, options, report, keep=KIND)
        concepts = concepts_of(options.texts, job.base) if options.texts else None
        choice = DefinitionSettings(
            options.dim or 0, options.like, options.limit, options.synthetic, concepts
        )
        return job, encode_definitions(job, options.encoder, choice)
    job = start_job(kb, name, options, report)
    return job, train_vectors(job, training)


def start_job(
    kb: Path | None, name: str, options: EmbedOptions, report: Report, *, keep: str = ""
) -> EmbeddingJob:
    """Open the base and make room for vectors called ``name``.

    Raises UsageError where it has such vectors of another kind than ``keep``, unless --restart.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    folder = kb if kb is not None else default_knowledge_base_path()
    base, work = knowledge_base_for(folder), work_folder(folder, plain)
    if options.restart:
        shutil.rmtree(work, ignore_errors=True)
    elif plain in table_names(folder) and not work.exists():
        finished = read_manifest(table_folder(folder, plain))
        if finished.knowledge_base == base.fingerprint and finished.kind != keep:
            raise UsageError(
                f"{folder} has vectors called {plain!r} already: choose another --name, "
                "or replace them with --restart"
            )
    return EmbeddingJob(folder, base, plain, _device(options.device), report)


def train_vectors(job: EmbeddingJob, settings: EmbeddingSettings) -> TableManifest:
    """Train on the relations; raises UsageError where dgl is missing."""
    try:
        from keci.knowledge.vectors.training import embed_relations
    except ImportError as error:
        raise UsageError(
            f"training vectors needs dgl, which cannot be imported here ({error}): install KECI "
            "with the extra 'train' under Python 3.11"
        ) from error
    return embed_relations(
        job.folder, job.base, settings, name=job.name, report=job.report, device=job.device
    )


def encode_definitions(
    job: EmbeddingJob, encoder: str, settings: DefinitionSettings
) -> TableManifest:
    """Encode the definitions; raises UsageError where the encoder cannot be had."""
    from keci.model.text_vectors import MeanTextEncoder

    loaded = MeanTextEncoder(encoder, device=job.device)
    return embed_definitions(
        job.folder, job.base, loaded, settings, name=job.name, report=job.report
    )


def concepts_of(inputs: Sequence[str], base: KnowledgeBase) -> npt.NDArray[np.int64]:
    """The concepts (n,), ascending, that mentions in the texts of the inputs may mean.

    Raises DataError on a record that cannot be read.
    """
    from keci.documents import Failure
    from keci.formats.read import read_documents
    from keci.knowledge.linking.linker import Linker

    linker, found = Linker(base), set[int]()
    for record in read_documents(inputs):
        if isinstance(record, Failure):
            raise DataError(f"{record.source}: {record.reason}")
        found.update(c for mention in linker.link(record.text) for c in mention.concepts)
    return np.array(sorted(found), dtype=np.int64)


def _device(name: str) -> str:
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: torch finds no GPU")
    return "cuda" if name != "cpu" and torch.cuda.is_available() else "cpu"
