"""Which of the concepts that share a name a text most likely means."""

from functools import lru_cache

from keci.cache import LONGEST_KEY, Cache
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.base.tables import STRICT, SYMBOL
from keci.knowledge.base.vocabulary import GROUP_OF_TYPE

PROTEINS = frozenset({"T028", "T116"})
_THINGS = frozenset({"disorders", "chemicals"})


class Ranker:
    """Ranks the candidates of a name and keeps the best ``max_candidates`` of them.

    The knowledge base orders them by kind of name and source; the case of the text comes first: a
    capital inside the mention speaks for symbols, its absence against them, and an English word in
    lower case never means a symbol. A word all in capitals means what is called so first of all, or
    a disorder or chemical of that symbol, before what a gene was ever called (HD of HTT), and last
    what has it from the singular of a plural (HCC of the gene Hccs).
    """

    def __init__(self, knowledge_base: KnowledgeBase, max_candidates: int) -> None:
        self.max_candidates = max_candidates
        self._knowledge_base = knowledge_base
        self._ranked = Cache[tuple[str, bool, bool], tuple[int, ...]]()
        self._groups = Cache[int, frozenset[str]]()

    def rank(
        self, key: str, has_inner_capital: bool, *, is_capital: bool = False
    ) -> tuple[int, ...]:
        """The best candidates of a normalised name, given the capitals of its text.

        ``has_inner_capital`` says that there is one behind its first character, ``is_capital`` that
        all its letters are.
        """
        case = (key, has_inner_capital, is_capital)
        if len(key) > LONGEST_KEY:
            return self._order(*case)
        ranked = self._ranked.get(case)
        if ranked is None:
            ranked = self._ranked.put(case, self._order(*case))
        return ranked

    def groups(self, concept: int) -> frozenset[str]:
        """The groups of semantic types that a concept belongs to (semantic_types.py)."""
        found = self._groups.get(concept)
        if found is None:
            found = self._groups.put(concept, _groups_of(self._knowledge_base.types(concept)))
        return found

    def fitting(self, candidates: tuple[int, ...], groups: frozenset[str]) -> tuple[int, ...]:
        """The candidates, those of the groups first; none where neither of the first two is."""
        fits = [not self.groups(concept).isdisjoint(groups) for concept in candidates]
        if all(fits):
            return candidates
        if not any(fits[:2]):
            return ()
        order = sorted(range(len(candidates)), key=lambda index: not fits[index])
        return tuple(candidates[index] for index in order)

    def combine(self, *candidates: tuple[int, ...]) -> tuple[int, ...]:
        """Candidates of the parts of a compound, taken in turns."""
        longest = max(map(len, candidates))
        turns = (part[turn] for turn in range(longest) for part in candidates if turn < len(part))
        return tuple(dict.fromkeys(turns))[: self.max_candidates]

    def _order(self, key: str, has_inner_capital: bool, is_capital: bool) -> tuple[int, ...]:
        postings = self._knowledge_base.postings(key)
        concepts, flags = (found.tolist() for found in postings)
        if not concepts:
            return ()
        is_ranked = is_capital and len(concepts) > 1
        preferred = SYMBOL if has_inner_capital else 0
        allowed = [
            (flag & SYMBOL != preferred, is_ranked and self._distance(concept, key), index)
            for index, (concept, flag) in enumerate(zip(concepts, flags, strict=True))
            if has_inner_capital or not flag & STRICT
        ]
        return tuple([concepts[index] for *_, index in sorted(allowed)[: self.max_candidates]])

    def _distance(self, concept: int, key: str) -> int:
        """How far a symbol is from what it stands for.

        0 for a concept that is called so first of all, and for a disorder or chemical that others
        are related to; 1 for the rest, as what genes and products were ever called; 2 where the
        symbol is not the concept's but the singular of one.
        """
        base = self._knowledge_base
        if _letters(base.preferred_name(concept)) == key:
            return 0
        types = base.types(concept)
        is_thing = _groups_of(types) <= _THINGS and PROTEINS.isdisjoint(types)
        if is_thing and base.has_relations(concept):
            return 0
        return 1 if key in map(_letters, base.names(concept)) else 2


@lru_cache(maxsize=1 << 12)
def _groups_of(types: tuple[str, ...]) -> frozenset[str]:
    return frozenset(GROUP_OF_TYPE.get(code, "other") for code in types)


def _letters(symbol: str) -> str:
    """The key of a symbol, as far as it is written in letters, digits and signs of ASCII."""
    return symbol.translate(_SIGNS_DROPPED).casefold()


_SIGNS_DROPPED = str.maketrans(
    {chr(code): chr(code) for code in range(128)} | dict.fromkeys(" -/.,:;'()[]+*_")
)
