"""A table of the encoder's vectors of definitions: the second half of a node's input (Sec 2.4)."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from keci.errors import DataError, UsageError
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.vectors.folder import (
    NewTable,
    TableManifest,
    Vectors,
    read_projection,
    vectors_folder,
    write_table,
)
from keci.knowledge.vectors.text_cache import TextEncoder, TextVectorCache, text_keys

KIND = "definitions"
Report = Callable[[str, int, int], None]

_TEXTS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class DefinitionSettings:
    """Which definitions are encoded, and how wide their vectors become.

    ``width`` 0 keeps the encoder's; else principal components are taken, or those of the table in
    the folder ``like``, whose vector space the new table then shares. At most ``limit`` texts are
    encoded in one call; ``concepts`` (n,) names the only ones whose texts are. ``synthetic`` makes
    sentences for the concepts without a definition, from their names, types and relations.
    """

    width: int = 0
    like: Path | None = None
    limit: int | None = None
    synthetic: bool = False
    concepts: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True)
class _Texts:
    """Distinct texts, and which of them defines each concept and type (-1: none)."""

    texts: Sequence[str]
    concept_texts: npt.NDArray[np.int64]
    type_texts: npt.NDArray[np.int64]

    def wanted(self, settings: DefinitionSettings) -> npt.NDArray[np.bool_]:
        """Which texts (n,) the settings let encode: all, or those of their concepts and types."""
        if settings.concepts is None:
            return np.ones(len(self.texts), dtype=bool)
        chosen = np.zeros(len(self.texts), dtype=bool)
        indices = self.concept_texts[settings.concepts]
        chosen[indices[indices >= 0]] = True
        chosen[self.type_texts] = True
        return chosen


def embed_definitions(
    folder: Path,
    base: KnowledgeBase,
    encoder: TextEncoder,
    settings: DefinitionSettings,
    *,
    name: str,
    report: Report,
) -> TableManifest:
    """Encode the definitions of ``base``, which lies in ``folder``, and write their table.

    A semantic type is defined by its name. Vectors once computed are kept beside the table, so
    that an interrupted call, repeated, goes on, and another width costs no encoding. Raises
    DataError where nothing is defined.
    """
    texts = _collect(base, synthetic=settings.synthetic)
    if not (texts.concept_texts >= 0).any():
        raise DataError(f"no concept of the knowledge base {base.name!r} has a definition")
    keys = text_keys(texts.texts)
    cache = TextVectorCache(
        vectors_folder(folder) / f".encoded-{encoder.digest[:16]}", encoder.width
    )
    missing = np.flatnonzero((cache.find(keys) < 0) & texts.wanted(settings))
    _encode(cache, encoder, texts.texts, keys, missing[: settings.limit], report=report)
    cached = cache.find(keys)
    present = cached >= 0
    vectors = cache.read(cached[present])
    reduction = _reduction(vectors, encoder, settings)
    rows = np.where(present, np.cumsum(present) - 1, -1)
    table = NewTable(
        reduction.apply(vectors),
        _rows_of(texts.concept_texts, rows),
        _rows_of(texts.type_texts, rows),
        reduction.projection,
    )
    made = {
        "encoder": encoder.name,
        "encoder_sha256": encoder.digest,
        "pooling": "mean",
        "synthetic": settings.synthetic,
        "texts": len(texts.texts),
        "not_yet_encoded": int((~present).sum()),
    }
    if reduction.variance_kept is not None:
        made["variance_kept"] = reduction.variance_kept
    manifest = TableManifest(
        name=name,
        kind=KIND,
        knowledge_base=base.fingerprint,
        space=reduction.space,
        width=table.vectors.shape[1],
        counts=table.counts(),
        made=made,
    )
    write_table(folder, table, manifest)
    return manifest


@dataclass(frozen=True, slots=True)
class _Reduction:
    """How encoded texts enter the table: under a projection, or at full width."""

    space: str
    projection: Vectors | None = None
    variance_kept: float | None = None

    def apply(self, vectors: Vectors) -> Vectors:
        """Vectors (n, input width) of unit length as (n, width) of unit root mean square."""
        if self.projection is None:
            return vectors * np.float32(np.sqrt(vectors.shape[1]))
        return project(vectors, self.projection)


def _collect(base: KnowledgeBase, *, synthetic: bool) -> _Texts:
    known: dict[str, int] = {}
    type_texts = [known.setdefault(base.type_name(code), len(known)) for code in base.type_codes]
    concept_texts = np.full(len(base), -1, dtype=np.int64)
    defined = np.diff(base.tables.definitions.offsets) > 0
    for index in range(len(base)) if synthetic else np.flatnonzero(defined).tolist():
        text = base.tables.definitions[index] if defined[index] else base.concept(index).definition
        concept_texts[index] = known.setdefault(text, len(known))
    return _Texts(tuple(known), concept_texts, np.array(type_texts, dtype=np.int64))


def _encode(
    cache: TextVectorCache,
    encoder: TextEncoder,
    texts: Sequence[str],
    keys: npt.NDArray[np.uint64],
    missing: npt.NDArray[np.int64],
    *,
    report: Report,
) -> None:
    ordered = missing[np.argsort([len(texts[index]) for index in missing], kind="stable")]
    for start in range(0, len(ordered), _TEXTS_AT_ONCE):
        report("encoding definitions", start, len(ordered))
        chunk = ordered[start : start + _TEXTS_AT_ONCE]
        cache.append(keys[chunk], encoder.encode([texts[index] for index in chunk]))
    report("encoding definitions", len(ordered), len(ordered))


def _reduction(vectors: Vectors, encoder: TextEncoder, settings: DefinitionSettings) -> _Reduction:
    space = f"{KIND}:{encoder.digest}"
    if settings.like is not None:
        projection, share = read_projection(settings.like), None
        if projection.shape[1] != encoder.width:
            raise UsageError(
                f"{settings.like} reduces vectors of width {projection.shape[1]}, "
                f"but {encoder.name} gives {encoder.width}"
            )
    elif settings.width and settings.width != encoder.width:
        projection, share = fit_projection(vectors, settings.width)
    else:
        return _Reduction(space)
    digest = hashlib.sha256(projection.tobytes()).hexdigest()
    return _Reduction(f"{space}:{digest}", projection, share)


def _rows_of(
    text_indices: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.int32]:
    """The table's row of each text index, -1 where there is none or it is not encoded."""
    return np.where(text_indices >= 0, rows[text_indices], -1).astype(np.int32)


def fit_projection(vectors: Vectors, width: int) -> tuple[Vectors, float]:
    """The map of (n, input width) to the ``width`` directions of most variance, and their share.

    Shape (1 + width, input width): the mean, then the directions, each pointing to where its
    largest component is positive, all scaled so that the output has a unit root mean square.
    Raises UsageError where there are fewer vectors or inputs than ``width``.
    """
    if width > min(vectors.shape):
        raise UsageError(f"{len(vectors)} vectors of width {vectors.shape[1]} cannot give {width}")
    mean = vectors.mean(axis=0, dtype=np.float64)
    variances, directions = np.linalg.eigh(_covariance(vectors, mean))
    chosen = directions[:, ::-1][:, :width].T
    largest = np.abs(chosen).argmax(axis=1)
    chosen = chosen * np.sign(chosen[np.arange(width), largest])[:, None]
    kept = float(variances[::-1][:width].sum())
    scale = np.sqrt(width / kept) if kept > 0 else 1.0
    share = kept / float(variances.sum()) if kept > 0 else 1.0
    return np.vstack((mean, chosen * scale)).astype(np.float32), round(share, 4)


def project(vectors: Vectors, projection: Vectors) -> Vectors:
    """Vectors (n, input width) under a map of ``fit_projection``, (n, width)."""
    projected: Vectors = (vectors - projection[0]) @ projection[1:].T
    return projected


def _covariance(vectors: Vectors, mean: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    total = np.zeros((vectors.shape[1],) * 2)
    for start in range(0, len(vectors), 8192):
        centred = vectors[start : start + 8192] - mean
        total += centred.T @ centred
    return total / len(vectors)
