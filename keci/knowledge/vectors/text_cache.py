"""Encoded texts kept on disk, so that no text is encoded twice."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from keci.errors import DataError
from keci.knowledge.vectors.folder import Vectors

_KEY_BYTES = 8
_HALF_BYTES = 2


class TextEncoder(Protocol):
    """Turns texts into vectors; ``digest`` identifies its weights and vocabulary."""

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str: ...

    @property
    def width(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of unit length, (texts, width)."""


class TextVectorCache:
    """The vectors of texts by one encoder: keys.bin and vectors.bin, to which rows are appended.

    The key of a text is a hash of its characters, so that a rebuilt knowledge base finds its
    unchanged definitions again. Keys are written after their vectors: what a killed process left
    behind without a key is overwritten.
    """

    def __init__(self, folder: Path, width: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._keys_path, self._vectors_path = folder / "keys.bin", folder / "vectors.bin"
        for path in (self._keys_path, self._vectors_path):
            path.touch()
        self._width = width
        self._keys = np.fromfile(self._keys_path, dtype=np.uint64)

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """The row of each key (n,), -1 where its text is not encoded yet."""
        if not len(self._keys):
            return np.full(len(keys), -1, dtype=np.int64)
        order = np.argsort(self._keys)
        positions = np.searchsorted(self._keys, keys, sorter=order).clip(max=len(self._keys) - 1)
        rows = order[positions]
        return np.where(self._keys[rows] == keys, rows, -1)

    def append(self, keys: npt.NDArray[np.uint64], vectors: Vectors) -> None:
        """Add the vectors (n, width) of new texts; raises DataError where another process did."""
        start = len(self._keys)
        if self._keys_path.stat().st_size // _KEY_BYTES != start:
            raise DataError(f"another process encodes texts into {self._keys_path.parent} too")
        with self._vectors_path.open("r+b") as stream:
            stream.seek(start * self._width * _HALF_BYTES)
            stream.write(vectors.astype(np.float16).tobytes())
        with self._keys_path.open("r+b") as stream:
            stream.seek(start * _KEY_BYTES)
            stream.write(keys.tobytes())
        self._keys = np.concatenate((self._keys, keys))

    def read(self, rows: npt.NDArray[np.int64]) -> Vectors:
        """The vectors of rows (n,), (n, width)."""
        if not len(rows):
            return np.zeros((0, self._width), dtype=np.float32)
        shape = (len(self._keys), self._width)
        stored = np.memmap(self._vectors_path, dtype=np.float16, mode="r", shape=shape)
        return stored[rows].astype(np.float32)


def text_keys(texts: Sequence[str]) -> npt.NDArray[np.uint64]:
    """The keys (texts,) that identify texts."""
    digests = (hashlib.blake2b(text.encode(), digest_size=_KEY_BYTES).digest() for text in texts)
    return np.frombuffer(b"".join(digests), dtype=np.uint64)
