"""Concept mentions that another program found, in place of the linker's."""

from collections import defaultdict
from collections.abc import Iterable

from keci.knowledge.linker import ConceptMention
from keci.knowledge.sources.metamap import ForeignCandidate
from keci.knowledge.store import KnowledgeBase
from keci.text.words import find_words


class ForeignMentions:
    """The mentions of documents by id, as ``candidates`` of another program place them.

    What cannot be used is counted: ``unknown`` concepts that the knowledge base does not have,
    ``misplaced`` candidates whose span is no run of whole words of the text or whose surface stands
    elsewhere.
    """

    def __init__(
        self,
        candidates: Iterable[ForeignCandidate],
        knowledge_base: KnowledgeBase,
        *,
        max_candidates: int = 6,
    ) -> None:
        self.max_candidates = max_candidates
        self.unknown = 0
        self.misplaced = 0
        indices = _IndexByCui(knowledge_base)
        self._by_document: dict[str, list[tuple[ForeignCandidate, int]]] = defaultdict(list)
        for candidate in candidates:
            index = indices.find(candidate.cui)
            if index is None:
                self.unknown += 1
            else:
                self._by_document[candidate.document].append((candidate, index))

    def link(self, document: str, text: str) -> tuple[ConceptMention, ...]:
        """The mentions of a document, sorted by start, then end; best candidates first."""
        starts, ends = (set(offsets.tolist()) for offsets in find_words(text))
        found: dict[tuple[int, int], dict[int, float]] = defaultdict(dict)
        for candidate, index in self._by_document.get(document, ()):
            span = _place(candidate, text)
            if span is None or span[0] not in starts or span[1] not in ends:
                self.misplaced += 1
            else:
                best = found[span].get(index, candidate.score)
                found[span][index] = max(best, candidate.score)
        return tuple(ConceptMention(*span, self._rank(found[span])) for span in sorted(found))

    def _rank(self, scores: dict[int, float]) -> tuple[int, ...]:
        ranked = sorted(scores, key=lambda index: (-scores[index], index))
        return tuple(ranked[: self.max_candidates])


class _IndexByCui:
    """Concepts by CUI, whether it is their id or one of their cross-references."""

    def __init__(self, knowledge_base: KnowledgeBase) -> None:
        self._knowledge_base = knowledge_base
        self._by_xref: dict[str, int] = {}
        tables = knowledge_base.tables
        for index in range(len(knowledge_base)):
            if tables.xref_splits[index] < tables.xref_splits[index + 1]:
                for xref in knowledge_base.xrefs(index):
                    if xref.startswith("UMLS:"):
                        self._by_xref.setdefault(xref, index)

    def find(self, cui: str) -> int | None:
        identity = f"UMLS:{cui}"
        found = self._knowledge_base.find(identity)
        return self._by_xref.get(identity) if found is None else found


def _place(candidate: ForeignCandidate, text: str) -> tuple[int, int] | None:
    """The span of a candidate; programs count characters from 0 or from 1, the surface tells."""
    start, end, surface = candidate.start, candidate.end, candidate.surface
    if not surface:
        return start, end
    for shift in (0, -1):
        if text[max(start + shift, 0) : end + shift].lower() == surface.lower():
            return start + shift, end + shift
    return None
