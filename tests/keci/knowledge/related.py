"""The relations of a knowledge base, for people."""

from collections.abc import Callable

import numpy as np

from keci.knowledge.base.store import KnowledgeBase


def triples(
    base: KnowledgeBase, label: Callable[[KnowledgeBase, int], str] = KnowledgeBase.concept_id
) -> list[tuple[str, str, str]]:
    """Each relation as its ends' labels with its name between, in the order of the base."""
    concepts = np.arange(len(base))
    splits, tails, kinds = base.outgoing(concepts)
    heads = np.repeat(concepts, np.diff(splits))
    return [
        (label(base, int(head)), base.relation_names[kind], label(base, int(tail)))
        for head, kind, tail in zip(heads, kinds, tails, strict=True)
    ]
