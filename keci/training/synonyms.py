"""Pairs of names of one concept, which an adapted encoder should hold close together."""

from collections.abc import Iterator

import numpy as np

from keci.knowledge.base.store import KnowledgeBase

_MOST_LETTERS = 60


class SynonymPairs:
    """Endless random pairs of different names of one concept of a knowledge base."""

    def __init__(self, base: KnowledgeBase, *, seed: int) -> None:
        self.base = base
        self.seed = seed

    def batch(self, step: int, pairs: int) -> tuple[list[str], list[str]]:
        """The first and the second names of so many pairs, all of different concepts.

        A step has the same pairs whatever came before.
        """
        generator = np.random.default_rng((self.seed, step))
        firsts, seconds = [], []
        for concept in self._concepts(generator):
            names = self._names(concept)
            if len(names) < 2:
                continue
            first, second = generator.choice(len(names), 2, replace=False).tolist()
            firsts.append(names[first])
            seconds.append(names[second])
            if len(firsts) == pairs:
                return firsts, seconds
        return firsts, seconds

    def _concepts(self, generator: np.random.Generator) -> Iterator[int]:
        seen: set[int] = set()
        for _ in range(100):
            for concept in generator.integers(0, len(self.base), 256).tolist():
                if concept not in seen:
                    seen.add(concept)
                    yield concept

    def _names(self, concept: int) -> list[str]:
        names = {name.lower(): name for name in self.base.names(concept)}
        return [name for name in names.values() if len(name) <= _MOST_LETTERS]
