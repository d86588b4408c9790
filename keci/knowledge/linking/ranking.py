"""Which of the concepts that share a name a text most likely means."""

from keci.cache import Cache
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.base.tables import STRICT, SYMBOL
from keci.knowledge.base.vocabulary import GROUP_OF_TYPE


class Ranker:
    """Ranks the candidates of a name and keeps the best ``max_candidates`` of them.

    The knowledge base orders them by kind of name and source; the case of the text comes first: a
    capital inside the mention speaks for symbols, its absence against them, and an English word in
    lower case never means a symbol.
    """

    def __init__(self, knowledge_base: KnowledgeBase, max_candidates: int) -> None:
        self.max_candidates = max_candidates
        self._knowledge_base = knowledge_base
        self._ranked = Cache[tuple[str, bool], tuple[int, ...]]()
        self._groups = Cache[int, frozenset[str]]()

    def rank(self, key: str, has_inner_capital: bool) -> tuple[int, ...]:
        """The best candidates of a normalised name, given whether its text has an inner capital."""
        ranked = self._ranked.get((key, has_inner_capital))
        if ranked is None:
            ranked = self._order(key, has_inner_capital)
            self._ranked.put((key, has_inner_capital), ranked)
        return ranked

    def groups(self, concept: int) -> frozenset[str]:
        """The groups of semantic types that a concept belongs to (semantic_types.py)."""
        found = self._groups.get(concept)
        if found is None:
            codes = self._knowledge_base.type_codes
            _, types = self._knowledge_base.concept_types([concept])
            found = frozenset(GROUP_OF_TYPE.get(codes[place], "other") for place in types)
            self._groups.put(concept, found)
        return found

    def combine(self, *candidates: tuple[int, ...]) -> tuple[int, ...]:
        """Candidates of the parts of a compound, taken in turns."""
        longest = max(map(len, candidates))
        turns = (part[turn] for turn in range(longest) for part in candidates if turn < len(part))
        return tuple(dict.fromkeys(turns))[: self.max_candidates]

    def _order(self, key: str, has_inner_capital: bool) -> tuple[int, ...]:
        concepts, flags = self._knowledge_base.postings(key)
        preferred = SYMBOL if has_inner_capital else 0
        allowed = [
            (flag & SYMBOL != preferred, place)
            for place, flag in enumerate(flags.tolist())
            if has_inner_capital or not flag & STRICT
        ]
        order = [place for _, place in sorted(allowed)[: self.max_candidates]]
        return tuple(concepts[order].tolist())
