"""Candidate spans: all runs of whole words of up to L word pieces (Sec 2.2)."""

from dataclasses import dataclass

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

    ``starts`` (blocks,) is the first token of each block, ``slots`` (tokens,) the place of each
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


def candidate_spans(tokens: TokenisedText, max_pieces: int) -> CandidateSpans:
    """All runs of words with 1 to ``max_pieces`` word pieces.

    A word without pieces neither starts nor ends a span, and a single word of more than
    ``max_pieces`` pieces is in no span.
    """
    has_pieces = np.diff(tokens.word_pieces) > 0
    words = np.flatnonzero(has_pieces)
    firsts = np.repeat(np.arange(len(words)), max_pieces).reshape(-1, max_pieces)
    lasts = firsts + np.arange(max_pieces)
    inside = lasts < len(words)
    first_words, last_words = words[firsts[inside]], words[lasts[inside]]
    token_starts, token_ends = tokens.word_pieces[first_words], tokens.word_pieces[last_words + 1]
    short = token_ends - token_starts <= max_pieces
    return CandidateSpans(
        token_starts[short],
        token_ends[short],
        tokens.word_starts[first_words[short]],
        tokens.word_ends[last_words[short]],
    )
