"""Principal components: the affine map that makes vectors narrower."""

from typing import Any

import numpy as np
import numpy.typing as npt

from keci.errors import UsageError
from keci.knowledge.vector_folder import Vectors


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
