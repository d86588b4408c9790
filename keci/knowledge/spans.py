"""The mentions found so far in a text, by their first and last word."""

from collections import defaultdict

Candidates = tuple[int, ...]


class Spans:
    """Candidate concepts by (first word, last word), findable from either end."""

    def __init__(self) -> None:
        self.candidates: dict[tuple[int, int], Candidates] = {}
        self.lasts: defaultdict[int, list[int]] = defaultdict(list)
        self.firsts: defaultdict[int, list[int]] = defaultdict(list)

    def put(self, first: int, last: int, concepts: Candidates) -> None:
        """Set the candidates of a mention, whether or not it was there."""
        if (first, last) not in self.candidates:
            self.lasts[first].append(last)
            self.firsts[last].append(first)
        self.candidates[first, last] = concepts

    def starting_at(self, first: int) -> list[tuple[int, Candidates]]:
        """The last word and the candidates of the mentions that begin with word ``first``."""
        return [(last, self.candidates[first, last]) for last in self.lasts.get(first, ())]

    def ending_at(self, last: int) -> list[tuple[int, Candidates]]:
        """The first word and the candidates of the mentions that end with word ``last``."""
        return [(first, self.candidates[first, last]) for first in self.firsts.get(last, ())]
