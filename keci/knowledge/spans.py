"""The mentions found so far in a text, by their first and last word."""

Candidates = tuple[int, ...]


class Spans:
    """Candidate concepts by (first word, last word), findable from either end.

    The indices of the ends are made when one is first asked for, for most texts need none.
    """

    def __init__(self) -> None:
        self.candidates: dict[tuple[int, int], Candidates] = {}
        self._lasts: dict[int, list[int]] | None = None
        self._firsts: dict[int, list[int]] = {}

    def put(self, first: int, last: int, concepts: Candidates) -> None:
        """Set the candidates of a mention, whether or not it was there."""
        if self._lasts is not None and (first, last) not in self.candidates:
            self._lasts.setdefault(first, []).append(last)
            self._firsts.setdefault(last, []).append(first)
        self.candidates[first, last] = concepts

    def starting_at(self, first: int) -> list[tuple[int, Candidates]]:
        """The last word and the candidates of the mentions that begin with word ``first``."""
        lasts = self._index() if self._lasts is None else self._lasts
        return [(last, self.candidates[first, last]) for last in lasts.get(first, ())]

    def ending_at(self, last: int) -> list[tuple[int, Candidates]]:
        """The first word and the candidates of the mentions that end with word ``last``."""
        if self._lasts is None:
            self._index()
        return [(first, self.candidates[first, last]) for first in self._firsts.get(last, ())]

    def _index(self) -> dict[int, list[int]]:
        lasts: dict[int, list[int]] = {}
        for first, last in self.candidates:
            lasts.setdefault(first, []).append(last)
            self._firsts.setdefault(last, []).append(first)
        self._lasts = lasts
        return lasts
