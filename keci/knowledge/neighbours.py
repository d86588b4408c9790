"""Concepts of one text that are related to the same third concept, in the text or not."""

import numpy as np
import numpy.typing as npt

from keci.knowledge.ragged import ragged_positions
from keci.knowledge.store import KnowledgeBase

MAX_DEGREE = 200
"""A third concept that more relations than this lead to says too little about its neighbours."""
MAX_SHARING = 8
"""At most so many concepts of a text are paired through one third concept, the first ones."""

Indices = npt.NDArray[np.int64]


def pairs_with_shared_neighbour(
    documents: Indices, concepts: Indices, knowledge_base: KnowledgeBase
) -> tuple[Indices, Indices]:
    """Positions (pairs,) of two concepts of one document with a common target, each pair once.

    ``documents`` and ``concepts`` (nodes,) are sorted; of a pair the earlier position comes first.
    """
    splits, targets, _ = knowledge_base.outgoing(concepts)
    owners = np.repeat(np.arange(len(concepts)), np.diff(splits))
    specific = knowledge_base.in_degrees(targets) <= MAX_DEGREE
    links = np.unique(np.stack([documents[owners], targets, owners])[:, specific], axis=1)
    if not links.size:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    return _pairs_within(links[:2], links[2])


def _pairs_within(groups: Indices, members: Indices) -> tuple[Indices, Indices]:
    """Distinct pairs of members of one group; the columns of ``groups`` (2, links) are sorted."""
    begins = np.ones(groups.shape[1], dtype=bool)
    begins[1:] = (groups[:, 1:] != groups[:, :-1]).any(axis=0)
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:], groups.shape[1])
    group = np.cumsum(begins) - 1
    limits = np.minimum(ends, starts + MAX_SHARING)[group]
    places = np.arange(len(members))
    counts = np.maximum(limits - places - 1, 0)
    firsts = np.repeat(places, counts)
    offsets = np.concatenate(([0], np.cumsum(counts)))
    seconds = ragged_positions(offsets, places) - np.repeat(offsets[:-1], counts) + firsts + 1
    pairs = np.unique(np.stack([members[firsts], members[seconds]]), axis=1)
    return pairs[0], pairs[1]
