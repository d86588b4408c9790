"""Which of its candidate concepts a mention means, given its type and the species of the text.

The linker orders candidates by their names alone. A mention has a type too: concepts of semantic
types that such mentions have in training come first, and those of another semantic group are left
out. Among the concepts of a gene's mention those of the text's species come first, and a gene comes
before the heading of its product. Attention weights take no part: they tell what the model made use
of, and say little of which concept is meant (docs/decisions/meaning.md).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from keci.documents import ConceptLink, Extraction, Mention
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.base.vocabulary import GROUP_OF_TYPE
from keci.knowledge.linking.linker import Linker
from keci.knowledge.species import HUMAN, species_of_gene, species_of_text

GENE = "T028"
_FAMILIES = "FPLX:"
_ORTHOLOGOUS = "orthologous_to"
_LEAST_SHARE = 0.05
_LEAST_GENES = 1 / 3
_LEAST_MENTIONS = 20

_THINGS = frozenset({"anatomy", "chemicals", "disorders", "genes", "living beings"})
"""Semantic groups apart: a disorder is no gene. What is outside them may be many a thing."""

Shares = Mapping[str, Mapping[str, float]]
"""By entity type the share of its mentions that have each semantic type."""


def semantic_types_of(
    extractions: Iterable[Extraction], linker: Linker
) -> dict[str, dict[str, float]]:
    """The semantic types that annotated mentions of each type have, by their first candidate.

    Shares below a twentieth are left out, and so are types with fewer than twenty mentions that the
    knowledge base has a name for.
    """
    linked: Counter[str] = Counter()
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for extraction in extractions:
        first = {(start, end): concepts[0] for start, end, concepts in linker.link(extraction.text)}
        for mention in extraction.mentions:
            concept = first.get((mention.start, mention.end))
            if concept is not None:
                linked[mention.type] += 1
                counts[mention.type].update(linker.knowledge_base.types(concept))
    return {
        name: {
            code: round(count / linked[name], 3)
            for code, count in sorted(counts[name].items())
            if count >= _LEAST_SHARE * linked[name]
        }
        for name in sorted(linked)
        if linked[name] >= _LEAST_MENTIONS
    }


class Meanings:
    """Orders the candidates of each mention by how likely they are meant, the best first.

    ``shares`` are those of ``semantic_types_of``; without them candidates stay in the linker's
    order. Of concepts that are equally likely, one with an id in ``vocabularies`` comes first.
    """

    def __init__(
        self, base: KnowledgeBase, shares: Shares, vocabularies: Sequence[str] = ()
    ) -> None:
        self._base = base
        self._shares = shares
        self._groups = {name: _things(share) for name, share in shares.items()}
        self._genes = {name for name, share in shares.items() if share.get(GENE, 0) >= _LEAST_GENES}
        self._vocabularies = tuple(f"{name}:" for name in vocabularies)
        names = base.relation_names
        self._ortholog = names.index(_ORTHOLOGOUS) if _ORTHOLOGOUS in names else -1

    def ordered(self, extraction: Extraction) -> Extraction:
        """The extraction with the candidates of its mentions, best first."""
        linked = [mention for mention in extraction.mentions if mention.concepts]
        if not linked:
            return extraction
        has_genes = any(mention.type in self._genes for mention in linked)
        species = species_of_text(extraction.text) if has_genes else None
        mentions = tuple(
            replace(mention, concepts=self._order(mention, species))
            if mention.concepts
            else mention
            for mention in extraction.mentions
        )
        return replace(extraction, mentions=mentions)

    def _order(self, mention: Mention, species: str | None) -> tuple[ConceptLink, ...]:
        fitting = self._shares.get(mention.type, {})
        groups = self._groups.get(mention.type, _THINGS)
        concepts = [
            link
            for link in mention.concepts
            if not _things(link.types) or _things(link.types) & groups
        ]
        of_genes = mention.type in self._genes
        family = concepts[0] if of_genes and concepts and _is_family(concepts[0]) else None

        def rank(link: ConceptLink) -> tuple[bool, ...]:
            return (
                bool(fitting) and not any(code in fitting for code in link.types),
                of_genes and link is not family and species_of_gene(link) != species,
                bool(fitting) and of_genes != (GENE in link.types),
                not any(name.startswith(self._vocabularies) for name in (link.id, *link.xrefs)),
            )

        ranked = sorted(concepts, key=rank)
        return (*self._orthologs(ranked, species), *ranked) if of_genes else tuple(ranked)

    def _orthologs(self, concepts: Sequence[ConceptLink], species: str | None) -> list[ConceptLink]:
        """The gene of a species that a human candidate corresponds to, where none is of it.

        The model has not read it: its weight is 0.
        """
        known = [species_of_gene(link) for link in concepts]
        if species in known or HUMAN not in known or _is_family(concepts[0]):
            return []
        index = self._base.find(concepts[known.index(HUMAN)].id)
        if index is None:
            return []
        tails, relations = self._base.neighbours(index)
        for tail in tails[relations == self._ortholog].tolist():
            concept_id, name, types, xrefs = self._base.summary(tail)
            link = ConceptLink(concept_id, name, types, 0.0, xrefs)
            if species_of_gene(link) == species:
                return [link]
        return []


def _things(types: Iterable[str]) -> frozenset[str]:
    """The groups of semantic types, as far as they exclude one another."""
    return _THINGS.intersection(GROUP_OF_TYPE.get(code, "") for code in types)


def _is_family(concept: ConceptLink) -> bool:
    """Whether it is one of FamPlex's families and complexes, which have genes of all species."""
    return any(name.startswith(_FAMILIES) for name in (concept.id, *concept.xrefs))
