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
