"""Candidate spans: all runs of whole words of up to L word pieces (Sec 2.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from keci.text.tokens import TokenisedText


@dataclass(frozen=True, slots=True)
class CandidateSpans:
    """Spans of one text, ordered by start, then end; all arrays are (spans,) and half-open.

    ``token_starts`` and ``token_ends`` count word pieces, ``starts`` and ``ends`` characters.
    """

    token_starts: npt.NDArray[np.int32]
    token_ends: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int32]
    ends: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.starts)


POOLING_BLOCK = 8
"""Tokens in a row at which spans begin that are pooled together."""


@dataclass(frozen=True, slots=True)
class PoolingBlocks:
    """The tokens of a batch in blocks of POOLING_BLOCK, each text's from its own first token.

    ``starts`` (blocks,) is the first token of each block, ``slots`` (tokens,) the slot of each
    token among blocks * POOLING_BLOCK.
    """

    starts: npt.NDArray[np.int64]
    slots: npt.NDArray[np.int64]


def pooling_blocks(token_counts: npt.NDArray[np.int64]) -> PoolingBlocks:
    """The blocks of texts with so many tokens.

    A block never holds tokens of two texts, so that sums over it are the same in any batch.
    """
    blocks = -(-token_counts // POOLING_BLOCK)
    first_slots = (blocks.cumsum() - blocks) * POOLING_BLOCK
    shifts = token_counts.cumsum() - token_counts - first_slots
    return PoolingBlocks(
        np.arange(blocks.sum()) * POOLING_BLOCK + np.repeat(shifts, blocks),
        np.arange(token_counts.sum()) - np.repeat(shifts, token_counts),
    )


def candidate_spans(texts: Sequence[TokenisedText], max_pieces: int) -> list[CandidateSpans]:
    """All runs of words with 1 to ``max_pieces`` word pieces, of each text.

    A word without pieces neither starts nor ends a span, and a single word of more than
    ``max_pieces`` pieces is in no span.
    """
    if not texts:
        return []
    firsts = np.concatenate([text.word_pieces[:-1] for text in texts])
    ends = np.concatenate([text.word_pieces[1:] for text in texts])
    words = np.flatnonzero(ends > firsts)
    rows = np.repeat(np.arange(len(texts)), [len(text.word_starts) for text in texts])[words]
    text_ends = np.searchsorted(rows, rows, side="right")
    last_words = np.arange(len(words))[:, None] + np.arange(max_pieces)
    inside = last_words < text_ends[:, None]
    last_words = words[np.minimum(last_words, len(words) - 1)]
    token_starts = np.broadcast_to(firsts[words, None], last_words.shape)
    token_ends = ends[last_words]
    chosen = inside & (token_ends - token_starts <= max_pieces)
    starts = np.concatenate([text.word_starts for text in texts])[words]
    columns = (
        token_starts[chosen],
        token_ends[chosen],
        np.broadcast_to(starts[:, None], last_words.shape)[chosen],
        np.concatenate([text.word_ends for text in texts])[last_words[chosen]],
    )
    counts = np.bincount(rows, weights=chosen.sum(1), minlength=len(texts)).astype(np.int64)
    cuts = [0, *counts.cumsum().tolist()]
    return [
        CandidateSpans(*(column[start:end] for column in columns)) for start, end in pairwise(cuts)
    ]
